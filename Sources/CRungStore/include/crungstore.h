#ifndef CRUNGSTORE_H
#define CRUNGSTORE_H
#include <stddef.h>
#include <stdint.h>

// The store's inner loops: what has to touch every byte. Each uses the processor's vector instructions where it has
// them; the `_portable` twins give the same bytes in plain C and are there to be compared with. No state, no memory.

/// Groups numbers by byte plane. With `m = count / width`: first byte 0 of each of the m numbers, then byte 1 of each,
/// and so on, then the `count % width` bytes left over as they are. `width` is 2, 4 or 8; any other copies. `to` has
/// room for `count` bytes and does not overlap `from`.
void rung_planes_group(int width, const void *from, void *to, size_t count);
/// The inverse of rung_planes_group with the same width and count.
void rung_planes_ungroup(int width, const void *from, void *to, size_t count);
void rung_planes_group_portable(int width, const void *from, void *to, size_t count);
void rung_planes_ungroup_portable(int width, const void *from, void *to, size_t count);
/// Counts each byte in `counts[place % 8 * 256 + value]`, of 2048 numbers, which go on from what they are.
void rung_planes_count(const void *from, size_t count, uint32_t *counts);

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4). `crc` is that of the bytes before, 0 at the start:
/// crc32c(crc32c(0, a), b) is that of a and b together.
uint32_t rung_crc32c(uint32_t crc, const void *bytes, size_t count);
uint32_t rung_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// Content-defined chunking of a stream (FastCDC): the lengths so far and the hash of the last bytes. Plain data.
typedef struct {
  size_t min, average, max;
  int strict, loose; // a chunk ends where the hash is below 2^strict, from the average length on below 2^loose
  size_t length;     // bytes of the unfinished chunk
  uint64_t hash;
} rung_chunker_t;

/// Chunks of `min` to `max` bytes, most of them a little above `average`, which is a power of two of at least 256;
/// 64 <= min <= average <= max. Returns 0 when they are not so, else 1.
int rung_chunker_init(rung_chunker_t *chunker, size_t min, size_t average, size_t max);
/// Takes the stream's next bytes up to the end of the chunk, at most `count`, and returns how many these are. Sets
/// `*ends` to 1 when the chunk ends with them, else to 0: then all were taken. The same chunks, however the stream
/// is divided into calls.
size_t rung_chunker_take(rung_chunker_t *chunker, const void *bytes, size_t count, int *ends);
/// Ends the chunk here, whatever its length.
void rung_chunker_restart(rung_chunker_t *chunker);
/// The 256 numbers of the gear hash.
const uint64_t *rung_gear(void);
#endif
