//! Open enums: states that the server prints as words, and that a client reads although a newer server
//! knows more of them.

/// Makes an enum, its words, and a variant `Other` that keeps a word unknown to this program, so that
/// it is printed as it came.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A word of a newer server.
            Other(String),
        }

        impl $name {
            /// The word in bodies.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() { $($word => Self::$variant,)+ _ => Self::Other(word) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, word: &&str) -> bool {
                self.as_str() == *word
            }
        }
    };
}

pub(super) use open_enum;

#[cfg(test)]
mod tests {
    use crate::api::UploadStatus;

    #[test]
    fn a_word_of_a_newer_server_is_printed_as_it_came() {
        for (word, status) in [
            ("refused", UploadStatus::Refused),
            ("postponed", UploadStatus::Other("postponed".to_owned())),
        ] {
            let text = format!("\"{word}\"");
            assert_eq!(serde_json::from_str::<UploadStatus>(&text).unwrap(), status);
            assert_eq!(serde_json::to_string(&status).unwrap(), text);
            assert_eq!(status.to_string(), word);
        }
    }
}
