#ifndef CSHA256_H
#define CSHA256_H
#include <stddef.h>
#include <stdint.h>

/// A running SHA-256 (FIPS 180-4). Plain data: copying the struct forks the hash.
typedef struct {
  uint32_t state[8];
  uint64_t length;     // bytes hashed so far
  uint8_t pending[64]; // the unfinished block; length % 64 bytes of it are in use
} csha256_t;

void csha256_init(csha256_t *hash);
void csha256_update(csha256_t *hash, const void *bytes, size_t count);
/// Writes the 32 bytes of the digest. The context is spent afterwards.
void csha256_final(csha256_t *hash, uint8_t *digest);
/// 1 when the processor's SHA instructions are used, 0 for portable C. Both give the same digests.
int csha256_accelerated(void);
/// For tests only: 1 makes later calls use portable C even where the instructions exist.
void csha256_force_portable(int on);
#endif
