//! Servers of tonic take our streams as they take tokio's.

use tonic::transport::server::{Connected, TcpConnectInfo};

use super::TcpStream;

impl Connected for TcpStream {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.local_addr().ok(), remote_addr: self.peer_addr().ok() }
    }
}
