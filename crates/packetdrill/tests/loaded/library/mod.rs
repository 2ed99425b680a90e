//! The shared object, loaded as packetdrill loads it, behind a safe surface for tests.

mod addresses;
mod calls;
mod interface;
mod shared_object;

use std::ffi::{CStr, CString, c_int, c_void};
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use twomsl_scenario::packetdrill::system::{Errno, Order};
use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

pub(crate) use interface::{Exports, Interface};
pub(crate) use shared_object::SharedObject;

/// A machine of the shared object. Its functions may be called from several threads.
pub(crate) struct Machine {
    pub(crate) interface: Interface,
    exports: Exports,
    /// What its clock said at the start.
    start: i64,
}

// SAFETY: the shared object promises that any thread may call its functions at any time, except
// for `free`, which is called when nobody has a `Machine` any more.
unsafe impl Send for Machine {}
// SAFETY: as above.
unsafe impl Sync for Machine {}

impl Machine {
    /// One with these flags; `None` when the shared object refuses them.
    pub(crate) fn new(flags: &str) -> Option<Self> {
        let exports = *exports();
        let flags = CString::new(flags).expect("flags are text");
        let mut interface = std::mem::MaybeUninit::uninit();
        // SAFETY: both pointers are good, and the function has this signature.
        let result = unsafe { (exports.init)(flags.as_ptr(), interface.as_mut_ptr()) };
        // SAFETY: it is filled in any case.
        let mut machine = Self { interface: unsafe { interface.assume_init() }, exports, start: 0 };
        if result != 0 {
            return None;
        }
        machine.start = machine.clock();
        Some(machine)
    }

    /// Microseconds, by the machine's own count.
    fn clock(&self) -> i64 {
        let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
        let zone = std::ptr::null_mut();
        // SAFETY: there is room for a time.
        let result = unsafe { (self.interface.gettimeofday)(self.userdata(), &raw mut time, zone) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        time.tv_sec * 1_000_000 + time.tv_usec
    }

    /// How much virtual time has passed since the start.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(1_000 * u64::try_from(self.clock() - self.start).unwrap())
    }

    /// Lets virtual time pass.
    pub(crate) fn sleep(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).expect("an hour at most");
        // SAFETY: there is nothing that could go wrong.
        assert_eq!(unsafe { (self.interface.usleep)(self.userdata(), micros) }, 0);
    }

    /// A packet arrives.
    pub(crate) fn inject(&self, packet: &Packet) {
        self.inject_octets(&packet.emit().expect("a packet that can be sent"));
    }

    pub(crate) fn inject_octets(&self, octets: &[u8]) {
        let (pointer, length) = (octets.as_ptr().cast(), octets.len());
        // SAFETY: there are as many octets.
        let result = unsafe { (self.interface.netdev_send)(self.userdata(), pointer, length) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }

    /// The next packet that it sends, if one comes.
    pub(crate) fn receive(&self) -> Option<(Instant, Packet)> {
        let mut buffer = vec![0_u8; 65_536];
        let (mut length, mut time) = (buffer.len(), 0);
        // SAFETY: there is as much room as `length` says.
        let result = unsafe {
            let (length, time) = (&raw mut length, &raw mut time);
            let buffer = buffer.as_mut_ptr().cast();
            (self.interface.netdev_receive)(self.userdata(), buffer, length, time)
        };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        let packet = (length > 0).then(|| Packet::parse(&buffer[..length]).expect("a packet"))?;
        let at = u64::try_from(time - self.start).expect("time does not go back");
        Some((Instant::from_nanos(1_000 * at), packet))
    }

    /// From now on, [`receive`](Self::receive) waits no longer than this, nor past the return of a
    /// call that waited.
    pub(crate) fn receive_until(&self, limit: Instant) {
        let limit = self.start + i64::try_from(limit.as_nanos() / 1_000).unwrap_or(i64::MAX / 2);
        // SAFETY: there is nothing that could go wrong.
        assert_eq!(unsafe { (self.exports.receive_until)(self.userdata(), limit) }, 0);
    }

    /// How many calls have had to wait, ever.
    pub(crate) fn calls_that_waited(&self) -> usize {
        // SAFETY: there is nothing that could go wrong.
        number(unsafe { (self.exports.calls_that_waited)(self.userdata()) })
    }

    /// How many calls wait.
    pub(crate) fn waiting_calls(&self) -> usize {
        // SAFETY: there is nothing that could go wrong.
        number(unsafe { (self.exports.waiting_calls)(self.userdata()) })
    }

    /// What an administrator does: what the function of the order returned.
    pub(crate) fn administer(&self, order: &Order) -> Result<usize, Errno> {
        let text = |text: &str| CString::new(text).expect("no zeros in it");
        // SAFETY: the strings outlive the calls.
        let result = unsafe {
            match order {
                Order::Set { name, value } => {
                    let (name, value) = (text(name), text(value));
                    (self.exports.set)(self.userdata(), name.as_ptr(), value.as_ptr())
                }
                Order::ForgetPaths => (self.exports.forget_paths)(self.userdata()),
                Order::CountInState(state) => {
                    let state = text(state.name());
                    (self.exports.count_in_state)(self.userdata(), state.as_ptr())
                }
                Order::DropConnections => (self.exports.drop_connections)(self.userdata()),
            }
        };
        usize::try_from(result).map_err(|_| errno())
    }

    fn userdata(&self) -> *mut c_void {
        self.interface.userdata
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { (self.interface.free)(self.userdata()) };
    }
}

fn number(result: c_int) -> usize {
    usize::try_from(result).expect("this cannot fail")
}

/// What C's `errno` says after a call that has failed.
pub(crate) fn errno() -> Errno {
    Errno(io::Error::last_os_error().raw_os_error().unwrap_or_default())
}

// ---- Loading ----

/// What the shared object exports. It is loaded once.
fn exports() -> &'static Exports {
    static EXPORTS: OnceLock<Exports> = OnceLock::new();
    EXPORTS.get_or_init(load)
}

fn load() -> Exports {
    let path = CString::new(path().to_str().expect("a path in UTF-8")).expect("no zeros in it");
    // SAFETY: the library has no initializers of its own.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null(), "dlopen: {}", dlerror());
    // SAFETY: each function has the signature that its description gives it.
    unsafe {
        Exports {
            init: function(library, c"packetdrill_interface_init"),
            calls_that_waited: function(library, c"twomsl_calls_that_waited"),
            waiting_calls: function(library, c"twomsl_waiting_calls"),
            receive_until: function(library, c"twomsl_receive_until"),
            set: function(library, c"twomsl_set"),
            forget_paths: function(library, c"twomsl_forget_paths"),
            count_in_state: function(library, c"twomsl_count_in_state"),
            drop_connections: function(library, c"twomsl_drop_connections"),
        }
    }
}

/// Cargo builds the library of a package before its tests, and puts it where they are.
fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let path = test.with_file_name("libtwomsl_packetdrill.so");
    assert!(path.exists(), "{} is not there", path.display());
    path
}

/// # Safety
/// `F` is the type of the function with this name.
unsafe fn function<F: Copy>(library: *mut c_void, name: &CStr) -> F {
    // SAFETY: the library is loaded and stays so.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!address.is_null(), "dlsym: {}", dlerror());
    assert_eq!(size_of::<F>(), size_of_val(&address));
    // SAFETY: the caller's promise; both are pointers.
    unsafe { std::mem::transmute_copy(&address) }
}

fn dlerror() -> String {
    // SAFETY: it is null or a string, until the next call of these functions.
    let text = unsafe { libc::dlerror() };
    // SAFETY: as above.
    (!text.is_null())
        .then(|| unsafe { CStr::from_ptr(text) })
        .map_or_else(|| "no error".into(), |text| text.to_string_lossy().into_owned())
}
