//! Random bytes from a seed, so that one and the same rendering can be had again.

use sha2::{Digest as _, Sha256};

/// Fills a buffer with random bytes.
pub(super) type Source = Box<dyn FnMut(&mut [u8])>;

/// Fills buffers with bytes that look random and depend on nothing but the seed and what was drawn before.
pub(super) fn from_seed(seed: [u8; 32]) -> Source {
    let mut block = 0_u64;
    let mut left: Vec<u8> = Vec::new();
    Box::new(move |buffer| {
        for byte in buffer {
            if left.is_empty() {
                let mut hash = Sha256::new();
                hash.update(seed);
                hash.update(block.to_be_bytes());
                left = hash.finalize().to_vec();
                block += 1;
            }
            *byte = left.pop().unwrap_or_default();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed: u8, parts: &[usize]| -> Vec<u8> {
            let mut fill = from_seed([seed; 32]);
            parts
                .iter()
                .flat_map(|part| {
                    let mut buffer = vec![0; *part];
                    fill(&mut buffer);
                    buffer
                })
                .collect()
        };
        assert_eq!(draw(1, &[10, 60]), draw(1, &[70]));
        assert_ne!(draw(1, &[32]), draw(2, &[32]));
    }
}
