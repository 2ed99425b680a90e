//! What all tests share.

pub(crate) mod lab;
pub(crate) mod packets;
pub(crate) mod pair;
pub(crate) mod scene;
pub(crate) mod sender;
