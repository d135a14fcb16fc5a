//! IP addresses: networks as they are configured, and which addresses are not public.

mod network;
mod special_addresses;

pub(crate) use network::Network;
pub(crate) use special_addresses::is_internal;
