//! Content codings (RFC 9110 §8.4.1): what stands in a body is what the reader sees, also where the app compresses always.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The coding has no decoder here.
    #[error("the content coding `{0}` is none that a browser reads")]
    Unknown(String),
    /// The bytes are not what the header says.
    #[error("the body is no {coding}, as its Content-Encoding says: {text}")]
    Broken {
        /// The coding.
        coding: String,
        /// What the decoder says.
        text: String,
    },
}

/// Undoes these codings, the last one first, up to `limit` bytes. The second value says whether there was more.
///
/// # Errors
/// [`Undecodable`] for a coding that browsers do not read, and for bytes that are not what the header says.
pub fn decoded(codings: &str, body: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Undecodable> {
    let names = codings.split(',').map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<String> = names.filter(|name| !name.is_empty() && name != "identity").collect();
    let mut bytes = body.to_vec();
    let mut cut = false;
    // An answer without a body (to HEAD, say) names the coding that it would have had.
    for name in names.iter().rev().filter(|_| !body.is_empty()) {
        let broken = |error: io::Error| Undecodable::Broken {
            coding: name.clone(),
            text: error.to_string(),
        };
        let (plain, more) = match name.as_str() {
            "gzip" | "x-gzip" => up_to(MultiGzDecoder::new(bytes.as_slice()), limit),
            // Some servers send the bare stream where the standard wants the zlib format; browsers read both.
            "deflate" => up_to(ZlibDecoder::new(bytes.as_slice()), limit)
                .or_else(|_| up_to(DeflateDecoder::new(bytes.as_slice()), limit)),
            "br" => up_to(brotli_decompressor::Decompressor::new(bytes.as_slice(), 4096), limit),
            "zstd" => ruzstd::decoding::StreamingDecoder::new(bytes.as_slice())
                .map_err(io::Error::other)
                .and_then(|decoder| up_to(decoder, limit)),
            _ => return Err(Undecodable::Unknown(name.clone())),
        }
        .map_err(broken)?;
        bytes = plain;
        cut |= more;
    }
    Ok((bytes, cut))
}

/// Reads up to `limit` bytes; whether there was more.
fn up_to(reader: impl Read, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(most).read_to_end(&mut bytes)?;
    let more = bytes.len() > limit;
    bytes.truncate(limit);
    Ok((bytes, more))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write};

    use super::*;

    const TEXT: &[u8] = b"Signed in as somebody@users.example.test";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_coding_of_browsers_is_read() {
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut bare = write::DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(TEXT).unwrap();
        // A brotli stream of one uncompressed meta-block (RFC 7932 §9.2), and a zstd frame with one raw block (RFC 8878 §3.1).
        let length = u8::try_from(TEXT.len() - 1).unwrap();
        let bits = u32::from(length) << 4 | 1 << 20;
        let [one, two, three, _] = bits.to_le_bytes();
        let brotli = [&[one, two, three][..], TEXT, &[3]].concat();
        let header = (u32::try_from(TEXT.len()).unwrap() << 3 | 1).to_le_bytes();
        let size = u8::try_from(TEXT.len()).unwrap();
        let zstd = [&[0x28, 0xB5, 0x2F, 0xFD, 0x20, size][..], &header[..3], TEXT].concat();
        let coded = [
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("br", brotli),
            ("zstd", zstd),
            ("gzip, gzip", gzip(&gzip(TEXT))),
            ("identity", TEXT.to_vec()),
            ("", TEXT.to_vec()),
        ];
        for (coding, body) in coded {
            assert_eq!(decoded(coding, &body, 1000), Ok((TEXT.to_vec(), false)), "{coding}");
        }
        assert_eq!(decoded("gzip", b"", 1000), Ok((Vec::new(), false)), "HEAD");
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = gzip(&vec![0; 50_000_000]);
        assert!(bomb.len() < 100_000);
        assert_eq!(decoded("gzip", &bomb, 1_000_000), Ok((vec![0; 1_000_000], true)));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unknown = decoded("compress", TEXT, 1000).unwrap_err().to_string();
        assert_eq!(unknown, "the content coding `compress` is none that a browser reads");
        for coding in ["gzip", "deflate", "br", "zstd"] {
            let broken = decoded(coding, b"plain text, and a good deal of it", 1000);
            assert!(
                matches!(broken, Err(Undecodable::Broken { .. })),
                "{coding}: {broken:?}"
            );
        }
    }
}
