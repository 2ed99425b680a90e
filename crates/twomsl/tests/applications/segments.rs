//! The programs on a TCP that has segments.

pub(crate) use twomsl::net;

#[path = "programs/grpc.rs"]
pub(crate) mod grpc;
#[path = "programs/http1.rs"]
pub(crate) mod http1;
#[path = "programs/http2.rs"]
pub(crate) mod http2;
#[path = "programs/pool.rs"]
pub(crate) mod pool;
#[path = "programs/tls.rs"]
pub(crate) mod tls;
