//! What applications inside turmoil see of these sockets.

mod basics;
