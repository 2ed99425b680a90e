//! Whole worlds, from the outside.

mod closing;
mod congestion;
mod connections;
mod determinism;
mod faults;
mod forgeries;
mod impairments;
mod incidents;
mod middleboxes;
mod outside;
mod relays;
mod roles;
mod support;
mod too_big;
