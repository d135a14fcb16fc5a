//! The trust anchors compiled into a program, and the ring of keys that follows from them.

use std::{fs, path::Path};

use license_core::{
    Timestamp,
    jws::DocType,
    trust::{KeyRing, TrustError, TrustedKey, document_digest},
};

/// Public keys that the program itself brings.
#[derive(Clone, Debug)]
pub(crate) struct TrustAnchors {
    /// Keys that sign trust lists and nothing else that a program relies on.
    roots: Option<KeyRing>,
    /// Keys that sign licenses, receipts, lists.
    direct: Vec<TrustedKey>,
    /// Tells programs with other anchors apart.
    digest: String,
}

impl TrustAnchors {
    /// Reads JWKS text; in development also the path of a file that holds it.
    pub(crate) fn read(trust: &str, development: bool) -> Result<Self, AnchorError> {
        let trust = trust.trim();
        if trust.is_empty() {
            return Err(AnchorError::Empty);
        }
        let text = if trust.trim_start_matches('\u{feff}').starts_with('{') {
            trust.to_owned()
        } else if development {
            fs::read_to_string(Path::new(trust))
                .map_err(|error| AnchorError::File(trust.to_owned(), error.to_string()))?
        } else {
            return Err(AnchorError::Path);
        };
        let ring = KeyRing::from_jwks(&text)?;
        let (roots, direct): (Vec<_>, Vec<_>) =
            ring.keys().iter().cloned().partition(|key| key.purposes.contains(&DocType::Trust));
        let digest = document_digest(&ring.to_jwks().to_string());
        let roots = (!roots.is_empty()).then(|| KeyRing::new(roots)).transpose()?;
        Ok(Self { roots, direct, digest })
    }

    /// Whether keys have to be introduced by a trust list.
    pub(crate) const fn rooted(&self) -> bool {
        self.roots.is_some()
    }

    /// Names this set of anchors; not a secret.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// Verifies a trust list: by our roots, or by roots that the list in force introduced.
    pub(crate) fn open_list(
        &self,
        document: &str,
        in_force: Option<&KeyRing>,
        now: Timestamp,
    ) -> Option<KeyRing> {
        let introduced = in_force
            .filter(|ring| !ring.roots().is_empty())
            .and_then(|ring| KeyRing::new(ring.roots().to_vec()).ok());
        [introduced.as_ref(), self.roots.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|roots| KeyRing::from_trust_list(document, roots, now).ok())
    }

    /// The keys to verify with: the list's, else the anchors' own.
    pub(crate) fn ring(&self, list: Option<&KeyRing>) -> KeyRing {
        if let Some(list) = list {
            return list.clone();
        }
        let roots = self.roots.iter().flat_map(|ring| ring.keys().iter().cloned());
        // A root stays in the ring so that an unknown key is told from an empty ring.
        KeyRing::new(self.direct.iter().cloned().chain(roots).collect()).unwrap_or_default()
    }
}

/// Why anchors cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum AnchorError {
    #[error("empty: put the public keys (`licctl key export`) into the program")]
    Empty,
    #[error("a path is for development only: put the JWKS text itself into the program")]
    Path,
    #[error("{0}: {1}")]
    File(String, String),
    #[error(transparent)]
    Keys(#[from] TrustError),
}
