//! Plays the marketplace on loopback, and debugs a server as its console does.
