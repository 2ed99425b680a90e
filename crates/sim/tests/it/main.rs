//! Whole worlds, from the outside.

mod connections;
