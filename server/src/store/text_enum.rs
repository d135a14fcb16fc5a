//! Enums that are stored as words.

/// Makes an enum, the words it is stored and shown as, and the way back.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, sqlx::Type)]
        #[sqlx(type_name = "TEXT")]
        pub(crate) enum $name { $($(#[$variant_meta])* #[sqlx(rename = $word)] $variant,)+ }

        impl $name {
            /// The word it is stored and shown as.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(word: &str) -> Result<Self, ()> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

pub(super) use text_enum;
