//! A broken invariant is not passed over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use twomsl_sockets::net::TcpStream;
use twomsl_sockets::{Lab, Recording, Violations};

use crate::{echo, simulation};

/// Takes the first octet that waits for the client behind the back of the invariants: a stack that
/// loses text would look so.
fn lose_an_octet(lab: &Lab) {
    lab.network(|network| {
        let (client, now) = (network.host("client").unwrap(), network.now());
        let socket = network.stack(client).sockets().next().unwrap().socket;
        network
            .call(now, client, |stack, now| stack.receive_pieces(now, socket, 1, &mut |_| ()))
            .unwrap();
    });
}

/// A simulation in which a stack loses text.
fn run(lab: &Rc<Lab>) -> turmoil::Result {
    let inside = Rc::clone(lab);
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async move {
        let mut stream = TcpStream::connect("server:7").await?;
        stream.write_all(b"abc").await?;
        sleep(Duration::from_millis(50)).await;
        lose_an_octet(&inside);
        stream.read_u8().await?;
        Ok(())
    });
    sim.run()
}

#[test]
fn the_call_that_shows_it_panics() {
    let lab = Rc::new(Lab::new(1, Recording::Off));
    let error = run(&lab).unwrap_err().to_string();
    assert!(error.contains("of twomsl's own TCP was broken"), "{error}");
    assert_eq!(lab.violations().len(), 1);
    // It was asked for: the end of the lab is silent.
}

#[test]
fn the_end_of_the_lab_panics_if_nobody_has_asked() {
    let lab = Rc::new(Lab::new(1, Recording::Off));
    assert!(run(&lab).is_err());
    let lab = Rc::into_inner(lab).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| lab.finish())).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("of twomsl's own TCP was broken"), "{text}");
}

#[test]
fn a_simulation_can_be_told_to_go_on() -> turmoil::Result {
    let lab = Rc::new(Lab::new(1, Recording::Off));
    lab.set_violations(Violations::Kept);
    run(&lab)?;
    assert_eq!(lab.violations().len(), 1);
    Ok(())
}
