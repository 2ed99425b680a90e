//! `IPPROTO_TCP`: `do_tcp_setsockopt` and `do_tcp_getsockopt`, `tcp_ctloutput`.

use std::time::Duration;

use twomsl_tcp::profile::{CongestionControl, Offer, RetryLimit};
use twomsl_tcp::{Linger2, SocketOption, TcpInfo, TcpState};

use super::super::super::symbols::{
    SOL_TCP, TCP_CC_INFO, TCP_CONGESTION, TCP_CORK, TCP_DEFER_ACCEPT, TCP_DELACK, TCP_FASTOPEN,
    TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_KEY, TCP_FASTOPEN_NO_COOKIE, TCP_INFO, TCP_INQ, TCP_KEEPCNT,
    TCP_KEEPIDLE, TCP_KEEPINIT, TCP_KEEPINTVL, TCP_LINGER2, TCP_MAXSEG, TCP_MAXUNACKTIME,
    TCP_MD5SIG, TCP_NODELAY, TCP_NOOPT, TCP_NOPUSH, TCP_NOTSENT_LOWAT, TCP_QUICKACK, TCP_REPAIR,
    TCP_SAVE_SYN, TCP_SAVED_SYN, TCP_SYNCNT, TCP_THIN_DUPACK, TCP_THIN_LINEAR_TIMEOUTS,
    TCP_TIMESTAMP, TCP_TX_DELAY, TCP_ULP, TCP_USER_TIMEOUT, TCP_WINDOW_CLAMP,
};
use super::super::super::system::Errno;
use super::super::super::tcp_info;
use super::super::Host;
use super::super::files::Socket;
use super::{Value, integer};

/// `MAX_TCP_KEEPIDLE`, `MAX_TCP_KEEPINTVL`.
const MOST_SECONDS: i32 = 32_767;
/// `MAX_TCP_KEEPCNT`.
const MOST_PROBES: i32 = 127;
/// `TCP_CA_NAME_MAX`
const NAME_LENGTH: usize = 16;
/// `TCP_MSS_DEFAULT`, FreeBSD's `tcp_mssdflt`.
const DEFAULT_MSS: u32 = 536;
/// What FreeBSD tells of a flag that is set: `TF_NODELAY`, `TF_NOOPT`, `TF_NOPUSH`.
const NODELAY_BIT: i32 = 0x4;
const NOOPT_BIT: i32 = 0x8;
const NOPUSH_BIT: i32 = 0x1000;

impl Host {
    pub(super) fn set_of_tcp(&mut self, fd: i32, name: i64, value: &[u8]) -> Result<(), Errno> {
        if name == TCP_CONGESTION {
            return self.set_congestion(fd, value);
        }
        if self.is_freebsd() {
            return self.set_of_freebsd(fd, name, value);
        }
        let number = integer(value)?;
        match name {
            TCP_NODELAY => self.set(fd, SocketOption::NoDelay(number != 0)),
            TCP_CORK => self.set(fd, SocketOption::Cork(number != 0)),
            TCP_MAXSEG => {
                let octets = u16::try_from(number).map_err(|_| Errno::EINVAL)?;
                self.set(fd, SocketOption::MaxSegment(octets))
            }
            TCP_KEEPIDLE | TCP_KEEPINTVL if !(1..=MOST_SECONDS).contains(&number) => {
                Err(Errno::EINVAL)
            }
            TCP_KEEPIDLE => self.set(fd, SocketOption::KeepIdle(seconds(number))),
            TCP_KEEPINTVL => self.set(fd, SocketOption::KeepInterval(seconds(number))),
            TCP_KEEPCNT if !(1..=MOST_PROBES).contains(&number) => Err(Errno::EINVAL),
            TCP_KEEPCNT => self.set(fd, SocketOption::KeepCount(number.cast_unsigned())),
            TCP_SYNCNT => {
                let count = u8::try_from(number).map_err(|_| Errno::EINVAL)?;
                self.set(fd, SocketOption::SynCount(count))
            }
            TCP_LINGER2 if number < 0 => self.set(fd, SocketOption::Linger2(Linger2::Never)),
            TCP_LINGER2 => self.set(fd, SocketOption::Linger2(Linger2::For(seconds(number)))),
            TCP_DEFER_ACCEPT => {
                self.set(fd, SocketOption::DeferAccept(seconds(deferred(number.max(0)))))
            }
            TCP_WINDOW_CLAMP if number == 0 && self.sk_of(fd)?.state != TcpState::Closed => {
                Err(Errno::EINVAL)
            }
            TCP_WINDOW_CLAMP => {
                self.set(fd, SocketOption::WindowClamp(number.max(0).cast_unsigned()))
            }
            TCP_QUICKACK => self.set(fd, SocketOption::QuickAck(number != 0)),
            TCP_USER_TIMEOUT if number < 0 => Err(Errno::EINVAL),
            TCP_USER_TIMEOUT => {
                let time = Duration::from_millis(u64::from(number.cast_unsigned()));
                self.set(fd, SocketOption::UserTimeout(time))
            }
            TCP_NOTSENT_LOWAT => {
                self.remember(fd, SOL_TCP, name, number)?;
                self.set(fd, SocketOption::NotSentLowWater(number.cast_unsigned()))
            }
            name => self.set_of_fast_open(fd, name, number),
        }
    }

    /// `TCP_FASTOPEN` and its relatives, and what is only remembered.
    fn set_of_fast_open(&mut self, fd: i32, name: i64, number: i32) -> Result<(), Errno> {
        let state = self.sk_of(fd)?.state;
        let unconnected = matches!(state, TcpState::Closed | TcpState::Listen);
        match name {
            TCP_FASTOPEN if number < 0 || !unconnected => Err(Errno::EINVAL),
            TCP_FASTOPEN => self.set(fd, SocketOption::FastOpen(number.cast_unsigned())),
            TCP_FASTOPEN_CONNECT if !(0..=1).contains(&number) => Err(Errno::EINVAL),
            TCP_FASTOPEN_CONNECT if self.stack.profile().fast_open_client == Offer::No => {
                Err(Errno::EOPNOTSUPP)
            }
            TCP_FASTOPEN_CONNECT if state != TcpState::Closed => Err(Errno::EINVAL),
            TCP_FASTOPEN_NO_COOKIE if !(0..=1).contains(&number) || !unconnected => {
                Err(Errno::EINVAL)
            }
            TCP_FASTOPEN_NO_COOKIE => {
                self.remember(fd, SOL_TCP, name, number)?;
                let cookies = if number == 0 { Offer::Yes } else { Offer::No };
                self.set(fd, SocketOption::FastOpenCookies(cookies))
            }
            TCP_THIN_LINEAR_TIMEOUTS | TCP_THIN_DUPACK | TCP_INQ | TCP_SAVE_SYN
                if !(0..=1).contains(&number) =>
            {
                Err(Errno::EINVAL)
            }
            TCP_FASTOPEN_CONNECT
            | TCP_THIN_LINEAR_TIMEOUTS
            | TCP_THIN_DUPACK
            | TCP_INQ
            | TCP_SAVE_SYN
            | TCP_TX_DELAY => self.remember(fd, SOL_TCP, name, number),
            TCP_REPAIR | TCP_TIMESTAMP => Err(Errno::EPERM),
            TCP_MD5SIG | TCP_FASTOPEN_KEY => Err(Errno::EINVAL),
            TCP_ULP => Err(Errno::ENOENT),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    /// `tcp_default_ctloutput`.
    fn set_of_freebsd(&mut self, fd: i32, name: i64, value: &[u8]) -> Result<(), Errno> {
        let number = integer(value)?;
        let time = || u64::try_from(number).map(Duration::from_secs).map_err(|_| Errno::EINVAL);
        match name {
            TCP_NODELAY => self.set(fd, SocketOption::NoDelay(number != 0)),
            TCP_NOPUSH => self.set(fd, SocketOption::Cork(number != 0)),
            TCP_MAXSEG => self.set_mss_of_freebsd(fd, number),
            TCP_KEEPIDLE => self.set(fd, SocketOption::KeepIdle(time()?)),
            TCP_KEEPINTVL => self.set(fd, SocketOption::KeepInterval(time()?)),
            TCP_KEEPCNT => self.set(fd, SocketOption::KeepCount(number.max(0).cast_unsigned())),
            TCP_FASTOPEN => self.set(fd, SocketOption::FastOpen(if number == 0 { 0 } else { 50 })),
            TCP_NOOPT => self.set(fd, SocketOption::NoOptions(number != 0)),
            TCP_KEEPINIT | TCP_DELACK | TCP_MAXUNACKTIME => {
                self.remember(fd, SOL_TCP, name, number)
            }
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    /// Not above what there is, and not so small that nothing is left beside the headers.
    fn set_mss_of_freebsd(&mut self, fd: i32, number: i32) -> Result<(), Errno> {
        /// `net.inet.tcp.minmss`, and the headers that it counts.
        const LEAST: i32 = 216 - 40;
        let most = self.segment_size(fd)?;
        let octets = u16::try_from(number).map_err(|_| Errno::EINVAL)?;
        if number <= 0 || number > most || number < LEAST {
            return Err(Errno::EINVAL);
        }
        self.set(fd, SocketOption::MaxSegment(octets))
    }

    fn set_congestion(&mut self, fd: i32, value: &[u8]) -> Result<(), Errno> {
        let unknown = if self.is_freebsd() { Errno::ESRCH } else { Errno::ENOENT };
        let length = value.iter().position(|octet| *octet == 0).unwrap_or(value.len());
        let name = value.get(..length.min(NAME_LENGTH - 1)).filter(|name| !name.is_empty());
        let name = std::str::from_utf8(name.ok_or(Errno::EINVAL)?).map_err(|_| unknown)?;
        let choice = if name == "reno" { "newreno" } else { name };
        let choice = CongestionControl::by_name(choice).ok_or(unknown)?;
        self.set(fd, SocketOption::Congestion(choice))
    }

    pub(super) fn get_of_tcp(&mut self, fd: i32, name: i64) -> Result<Value, Errno> {
        match name {
            TCP_INFO => return Ok(Value::Octets(tcp_info::octets(&self.info(fd)?))),
            TCP_CONGESTION => return Ok(Value::Octets(self.congestion_name(fd)?)),
            // None of the algorithms here has anything to tell.
            TCP_CC_INFO | TCP_ULP | TCP_SAVED_SYN if !self.is_freebsd() => {
                return Ok(Value::Octets(Vec::new()));
            }
            _ => {}
        }
        let value = if self.is_freebsd() {
            self.number_of_freebsd(fd, name)
        } else {
            self.number_of_linux(fd, name)
        };
        value.map(Value::Integer)
    }

    fn number_of_linux(&self, fd: i32, name: i64) -> Result<i32, Errno> {
        let socket = self.files.socket(fd)?;
        let (options, settings) = (&socket.options, &socket.settings);
        Ok(match name {
            TCP_NODELAY => options.no_delay.into(),
            TCP_CORK => options.cork.into(),
            TCP_MAXSEG => self.segment_size(fd)?,
            TCP_KEEPIDLE => options.keep_idle.as_secs() as i32,
            TCP_KEEPINTVL => options.keep_interval.as_secs() as i32,
            TCP_KEEPCNT => options.keep_count.cast_signed(),
            TCP_SYNCNT => self.syn_count(socket),
            TCP_LINGER2 => self.linger2(socket),
            TCP_DEFER_ACCEPT => options.defer_accept.map_or(0, |time| time.as_secs() as i32),
            TCP_WINDOW_CLAMP => options.window_clamp.map_or(0, u32::cast_signed),
            TCP_QUICKACK => 1,
            TCP_USER_TIMEOUT => options.user_timeout.map_or(0, |time| time.as_millis() as i32),
            TCP_FASTOPEN => options.fast_open.cast_signed(),
            TCP_NOTSENT_LOWAT
            | TCP_FASTOPEN_CONNECT
            | TCP_FASTOPEN_NO_COOKIE
            | TCP_THIN_LINEAR_TIMEOUTS
            | TCP_INQ
            | TCP_SAVE_SYN
            | TCP_TX_DELAY => settings.remembered(SOL_TCP, name),
            TCP_THIN_DUPACK | TCP_REPAIR => 0,
            TCP_TIMESTAMP => (self.now.as_nanos() / 1_000_000) as i32,
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    fn number_of_freebsd(&self, fd: i32, name: i64) -> Result<i32, Errno> {
        let socket = self.files.socket(fd)?;
        let (options, settings) = (&socket.options, &socket.settings);
        let flag = |on: bool, bit: i32| if on { bit } else { 0 };
        let remembered = settings.remembered(SOL_TCP, name);
        Ok(match name {
            TCP_NODELAY => flag(options.no_delay, NODELAY_BIT),
            TCP_NOPUSH => flag(options.cork, NOPUSH_BIT),
            TCP_NOOPT => flag(options.no_options, NOOPT_BIT),
            TCP_MAXSEG => self.segment_size(fd)?,
            TCP_KEEPIDLE => options.keep_idle.as_secs() as i32,
            TCP_KEEPINTVL => options.keep_interval.as_secs() as i32,
            TCP_KEEPCNT => options.keep_count.cast_signed(),
            TCP_KEEPINIT if remembered == 0 => {
                let time = self.stack.profile().connect_timeout;
                time.map_or(0, |time| time.as_secs() as i32)
            }
            TCP_FASTOPEN => (options.fast_open > 0).into(),
            TCP_KEEPINIT | TCP_DELACK | TCP_MAXUNACKTIME => remembered,
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    /// `TCP_INFO` of a socket in any state.
    fn info(&self, fd: i32) -> Result<TcpInfo, Errno> {
        let socket = self.files.socket(fd)?;
        let told = socket.id().and_then(|id| self.stack.info(self.now, id).ok());
        let mut info = told.unwrap_or_default();
        let state = self.sk(socket).state;
        if state == TcpState::Closed {
            info.tcpi_state = 7; // TCP_CLOSE
        }
        if self.is_freebsd() {
            info.tcpi_state = state_of_freebsd(state);
        }
        Ok(info)
    }

    fn congestion_name(&self, fd: i32) -> Result<Vec<u8>, Errno> {
        let name = match self.files.socket(fd)?.options.congestion_control {
            CongestionControl::NewReno if self.is_freebsd() => "newreno",
            CongestionControl::NewReno => "reno",
            CongestionControl::Cubic => "cubic",
        };
        let mut octets = name.as_bytes().to_vec();
        octets.resize(NAME_LENGTH, 0);
        Ok(octets)
    }

    /// `TCP_MAXSEG`: `mss_cache`, or what was asked for as long as it is only that.
    fn segment_size(&self, fd: i32) -> Result<i32, Errno> {
        let socket = self.files.socket(fd)?;
        let sk = self.sk(socket);
        let unconnected = matches!(sk.state, TcpState::Closed | TcpState::Listen);
        let info = socket.connection().and_then(|id| self.stack.info(self.now, id).ok());
        let current = info.map_or(DEFAULT_MSS, |info| info.tcpi_snd_mss);
        let wanted = socket.options.max_segment.filter(|_| unconnected);
        Ok(wanted.map_or(current, u32::from).cast_signed())
    }

    fn syn_count(&self, socket: &Socket) -> i32 {
        match (socket.options.syn_count, self.stack.profile().syn_retries) {
            (Some(count), _) => count.into(),
            (None, RetryLimit::Count(count)) => count.cast_signed(),
            (None, _) => 0,
        }
    }

    fn linger2(&self, socket: &Socket) -> i32 {
        let time = match socket.options.linger2 {
            Linger2::Never => return -1,
            Linger2::For(time) => Some(time),
            Linger2::Default => self.stack.profile().fin_timeout,
        };
        time.map_or(0, |time| time.as_secs() as i32)
    }
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::from(number.max(0).cast_unsigned()))
}

/// `secs_to_retrans` and back, `retrans_to_secs`: what so many repetitions of a SYN,ACK take.
fn deferred(seconds: i32) -> i32 {
    /// `TCP_TIMEOUT_INIT` and `TCP_RTO_MAX`, in seconds.
    const FIRST: i32 = 1;
    const MOST: i32 = 120;
    if seconds == 0 {
        return 0;
    }
    let (mut timeout, mut period, mut retries) = (FIRST, FIRST, 1);
    while seconds > period && retries < 255 {
        retries += 1;
        timeout = (timeout * 2).min(MOST);
        period += timeout;
    }
    period
}

/// `TCPS_…` of `netinet/tcp_fsm.h`.
const fn state_of_freebsd(state: TcpState) -> u8 {
    match state {
        TcpState::Closed => 0,
        TcpState::Listen => 1,
        TcpState::SynSent => 2,
        TcpState::SynReceived => 3,
        TcpState::Established => 4,
        TcpState::CloseWait => 5,
        TcpState::FinWait1 => 6,
        TcpState::Closing => 7,
        TcpState::LastAck => 8,
        TcpState::FinWait2 => 9,
        TcpState::TimeWait => 10,
    }
}
