// CRC-32C. The processor's instruction takes 3 cycles but starts one each cycle, so three stretches run side by side
// and are joined by a multiplication modulo the polynomial.
#include "crungstore.h"
#include <pthread.h>
#include <string.h>

static uint64_t load64(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, 8);
  return word;
}

// table[k][b]: the CRC of byte b with k zero bytes after it.
static uint32_t table[8][256];

static void fill_table(void) {
  for (uint32_t b = 0; b < 256; b++) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0); // bits reversed, as in RFC 3720
    table[0][b] = crc;
  }
  for (int k = 1; k < 8; k++)
    for (int b = 0; b < 256; b++) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
}

uint32_t rung_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_table);
  const uint8_t *p = bytes;
  crc = ~crc;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (; count >= 8; count -= 8, p += 8) {
    uint64_t word = load64(p) ^ crc;
    crc = 0;
    for (int k = 0; k < 8; k++) crc ^= table[7 - k][word >> (8 * k) & 0xff];
  }
#endif
  for (; count; count--, p++) crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define SSE42 __attribute__((target("sse4.2,pclmul")))

// A product of two 32-bit polynomials modulo the CRC's. `power` is x^(8n - 33) for a shift by n bytes: 32 of the 33
// come back from the CRC instruction, one from the product's bits being reversed.
SSE42 static inline uint64_t shift(uint64_t crc, uint32_t power) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)power), 0);
  return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

// As many times three stretches of `n` bytes as there are. `one` and `two` shift by n and 2 n bytes.
SSE42 static inline uint64_t threes(uint64_t crc, const uint8_t **at, size_t *left, size_t n, uint32_t one,
                                    uint32_t two) {
  const uint8_t *p = *at;
  for (; *left >= 3 * n; *left -= 3 * n, p += 3 * n) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < n; i += 8) {
      crc = _mm_crc32_u64(crc, load64(p + i));
      b = _mm_crc32_u64(b, load64(p + n + i));
      c = _mm_crc32_u64(c, load64(p + 2 * n + i));
    }
    crc = shift(crc, two) ^ shift(b, one) ^ c;
  }
  *at = p;
  return crc;
}

SSE42 static uint32_t crc32c_fast(uint32_t before, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  uint64_t crc = ~before;
  crc = threes(crc, &p, &count, 4096, 0x82f89c77, 0x54a86326);
  crc = threes(crc, &p, &count, 256, 0xb9e02b86, 0xdd7e3b0c);
  for (; count >= 8; count -= 8, p += 8) crc = _mm_crc32_u64(crc, load64(p));
  for (; count; count--, p++) crc = _mm_crc32_u8((uint32_t)crc, *p);
  return ~(uint32_t)crc;
}

uint32_t rung_crc32c(uint32_t crc, const void *bytes, size_t count) {
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) return crc32c_fast(crc, bytes, count);
  return rung_crc32c_portable(crc, bytes, count);
}
#else
uint32_t rung_crc32c(uint32_t crc, const void *bytes, size_t count) { return rung_crc32c_portable(crc, bytes, count); }
#endif
