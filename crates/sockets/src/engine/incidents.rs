//! What befalls hosts, between two ticks.

use turmoil::Sim;
use twomsl_sim::Plug;
use twomsl_sim::spec::IncidentAction;
use twomsl_tcp::Instant;

use super::Stage;

/// Lets happen what is scripted and due.
pub(super) fn happen(sim: &mut Sim<'_>, stage: &Stage, now: Instant) {
    let due = stage.simulation.lock().network.step(now);
    for (at, place) in due {
        befall(sim, stage, at, &stage.spec.incidents[place].action);
    }
    // Somebody may have something to do now that did not before.
    stage.simulation.lock().kick_all();
}

fn befall(sim: &mut Sim<'_>, stage: &Stage, now: Instant, action: &IncidentAction) {
    let name = |host: usize| stage.spec.hosts[host].name.as_str();
    let plug = |host: usize, plug| stage.simulation.lock().network.plug(now, host, plug);
    match action {
        IncidentAction::Crash(host) => sim.crash(name(*host)),
        IncidentAction::Reboot(host) => sim.bounce(name(*host)),
        IncidentAction::LinkDown(host) => plug(*host, Plug::Out),
        IncidentAction::LinkUp(host) => plug(*host, Plug::In),
        IncidentAction::Release(name) => stage.simulation.lock().network.release(now, name),
        IncidentAction::Pause(_) | IncidentAction::Resume(_) => {
            unreachable!("looked for before the run")
        }
    }
}
