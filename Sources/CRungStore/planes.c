// Byte planes: the exponents of float tensors are alike, their mantissas are not; side by side they compress better.
#include "crungstore.h"
#include <string.h>

// `first`: the numbers before it are done. With a constant width the compiler unrolls these.
static inline __attribute__((always_inline)) void group_from(size_t width, const uint8_t *from, uint8_t *to, size_t m,
                                                             size_t first) {
  for (size_t i = first; i < m; i++)
    for (size_t k = 0; k < width; k++) to[k * m + i] = from[i * width + k];
}

static inline __attribute__((always_inline)) void ungroup_from(size_t width, const uint8_t *from, uint8_t *to, size_t m,
                                                               size_t first) {
  for (size_t i = first; i < m; i++)
    for (size_t k = 0; k < width; k++) to[i * width + k] = from[k * m + i];
}

static int known(int width) { return width == 2 || width == 4 || width == 8; }

// The bytes left over, or all of them when there are no planes. Returns how many numbers there are.
static size_t copy_rest(int width, const uint8_t *from, uint8_t *to, size_t count) {
  size_t m = known(width) ? count / (size_t)width : 0, done = m ? m * (size_t)width : 0;
  if (count > done) memcpy(to + done, from + done, count - done);
  return m;
}

static void group_rest(int width, const uint8_t *from, uint8_t *to, size_t m, size_t first) {
  if (width == 2) group_from(2, from, to, m, first);
  if (width == 4) group_from(4, from, to, m, first);
  if (width == 8) group_from(8, from, to, m, first);
}

static void ungroup_rest(int width, const uint8_t *from, uint8_t *to, size_t m, size_t first) {
  if (width == 2) ungroup_from(2, from, to, m, first);
  if (width == 4) ungroup_from(4, from, to, m, first);
  if (width == 8) ungroup_from(8, from, to, m, first);
}

void rung_planes_group_portable(int width, const void *from, void *to, size_t count) {
  group_rest(width, from, to, copy_rest(width, from, to, count), 0);
}

void rung_planes_ungroup_portable(int width, const void *from, void *to, size_t count) {
  ungroup_rest(width, from, to, copy_rest(width, from, to, count), 0);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 static inline __attribute__((target("avx2"), always_inline))

// The instructions work in two halves of 16 bytes. Loading one half from `gap` bytes further on puts the numbers in
// order after them without a permutation.
AVX2 __m256i halves(const uint8_t *p, size_t gap) {
  __m256i low = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p));
  return _mm256_inserti128_si256(low, _mm_loadu_si128((const __m128i *)(p + gap)), 1);
}

AVX2 void store_halves(uint8_t *p, size_t gap, __m256i v) {
  _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(v));
  _mm_storeu_si128((__m128i *)(p + gap), _mm256_extracti128_si256(v, 1));
}

AVX2 __m256i load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
AVX2 void store(uint8_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }

// 32 numbers at a time, as far as they go. Returns how many are done.
__attribute__((target("avx2"))) static size_t group2(const uint8_t *from, uint8_t *to, size_t m) {
  const __m256i low = _mm256_set1_epi16(0xff);
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i a = halves(from + 2 * i, 32), b = halves(from + 2 * i + 16, 32);
    store(to + i, _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)));
    store(to + m + i, _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)));
  }
  return i;
}

__attribute__((target("avx2"))) static size_t ungroup2(const uint8_t *from, uint8_t *to, size_t m) {
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i a = load(from + i), b = load(from + m + i);
    store_halves(to + 2 * i, 32, _mm256_unpacklo_epi8(a, b));
    store_halves(to + 2 * i + 16, 32, _mm256_unpackhi_epi8(a, b));
  }
  return i;
}

__attribute__((target("avx2"))) static size_t group4(const uint8_t *from, uint8_t *to, size_t m) {
  // Within four numbers: all bytes 0, all bytes 1, ...; then a 4 x 4 transposition of such fours.
  const __m256i order =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i v[4];
    for (size_t j = 0; j < 4; j++) v[j] = _mm256_shuffle_epi8(halves(from + 4 * i + 16 * j, 64), order);
    __m256i p = _mm256_unpacklo_epi32(v[0], v[1]), q = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i r = _mm256_unpacklo_epi32(v[2], v[3]), s = _mm256_unpackhi_epi32(v[2], v[3]);
    store(to + i, _mm256_unpacklo_epi64(p, r));
    store(to + m + i, _mm256_unpackhi_epi64(p, r));
    store(to + 2 * m + i, _mm256_unpacklo_epi64(q, s));
    store(to + 3 * m + i, _mm256_unpackhi_epi64(q, s));
  }
  return i;
}

__attribute__((target("avx2"))) static size_t ungroup4(const uint8_t *from, uint8_t *to, size_t m) {
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i a = load(from + i), b = load(from + m + i), c = load(from + 2 * m + i), d = load(from + 3 * m + i);
    __m256i ab0 = _mm256_unpacklo_epi8(a, b), ab1 = _mm256_unpackhi_epi8(a, b);
    __m256i cd0 = _mm256_unpacklo_epi8(c, d), cd1 = _mm256_unpackhi_epi8(c, d);
    store_halves(to + 4 * i, 64, _mm256_unpacklo_epi16(ab0, cd0));
    store_halves(to + 4 * i + 16, 64, _mm256_unpackhi_epi16(ab0, cd0));
    store_halves(to + 4 * i + 32, 64, _mm256_unpacklo_epi16(ab1, cd1));
    store_halves(to + 4 * i + 48, 64, _mm256_unpackhi_epi16(ab1, cd1));
  }
  return i;
}

__attribute__((target("avx2"))) static size_t group8(const uint8_t *from, uint8_t *to, size_t m) {
  // Within two numbers: both bytes 0, both bytes 1, ...; then an 8 x 8 transposition of such pairs.
  const __m256i order =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i v[8], w[8];
    for (size_t j = 0; j < 8; j++) v[j] = _mm256_shuffle_epi8(halves(from + 8 * i + 16 * j, 128), order);
    for (size_t j = 0; j < 4; j++) {
      w[2 * j] = _mm256_unpacklo_epi16(v[2 * j], v[2 * j + 1]);
      w[2 * j + 1] = _mm256_unpackhi_epi16(v[2 * j], v[2 * j + 1]);
    }
    for (size_t half = 0; half < 2; half++) { // planes 0 to 3, then 4 to 7
      __m256i p = _mm256_unpacklo_epi32(w[half], w[half + 2]), q = _mm256_unpackhi_epi32(w[half], w[half + 2]);
      __m256i r = _mm256_unpacklo_epi32(w[half + 4], w[half + 6]), s = _mm256_unpackhi_epi32(w[half + 4], w[half + 6]);
      uint8_t *plane = to + 4 * half * m + i;
      store(plane, _mm256_unpacklo_epi64(p, r));
      store(plane + m, _mm256_unpackhi_epi64(p, r));
      store(plane + 2 * m, _mm256_unpacklo_epi64(q, s));
      store(plane + 3 * m, _mm256_unpackhi_epi64(q, s));
    }
  }
  return i;
}

__attribute__((target("avx2"))) static size_t ungroup8(const uint8_t *from, uint8_t *to, size_t m) {
  size_t i = 0;
  for (; i + 32 <= m; i += 32) {
    __m256i v[8], w[8];
    for (size_t k = 0; k < 4; k++) {
      __m256i a = load(from + 2 * k * m + i), b = load(from + (2 * k + 1) * m + i);
      v[k] = _mm256_unpacklo_epi8(a, b), v[k + 4] = _mm256_unpackhi_epi8(a, b);
    }
    for (size_t half = 0; half < 8; half += 4) { // numbers 0 to 7 of each 16, then 8 to 15
      w[0] = _mm256_unpacklo_epi16(v[half], v[half + 1]), w[1] = _mm256_unpackhi_epi16(v[half], v[half + 1]);
      w[2] = _mm256_unpacklo_epi16(v[half + 2], v[half + 3]), w[3] = _mm256_unpackhi_epi16(v[half + 2], v[half + 3]);
      uint8_t *out = to + 8 * i + 16 * half;
      store_halves(out, 128, _mm256_unpacklo_epi32(w[0], w[2]));
      store_halves(out + 16, 128, _mm256_unpackhi_epi32(w[0], w[2]));
      store_halves(out + 32, 128, _mm256_unpacklo_epi32(w[1], w[3]));
      store_halves(out + 48, 128, _mm256_unpackhi_epi32(w[1], w[3]));
    }
  }
  return i;
}

static size_t group_fast(int width, const uint8_t *from, uint8_t *to, size_t m) {
  if (!__builtin_cpu_supports("avx2")) return 0;
  return width == 2 ? group2(from, to, m) : width == 4 ? group4(from, to, m) : group8(from, to, m);
}

static size_t ungroup_fast(int width, const uint8_t *from, uint8_t *to, size_t m) {
  if (!__builtin_cpu_supports("avx2")) return 0;
  return width == 2 ? ungroup2(from, to, m) : width == 4 ? ungroup4(from, to, m) : ungroup8(from, to, m);
}
#else
#define group_fast(width, from, to, m) ((size_t)0)
#define ungroup_fast(width, from, to, m) ((size_t)0)
#endif

void rung_planes_group(int width, const void *from, void *to, size_t count) {
  size_t m = copy_rest(width, from, to, count);
  if (m) group_rest(width, from, to, m, group_fast(width, from, to, m));
}

void rung_planes_ungroup(int width, const void *from, void *to, size_t count) {
  size_t m = copy_rest(width, from, to, count);
  if (m) ungroup_rest(width, from, to, m, ungroup_fast(width, from, to, m));
}

void rung_planes_count(const void *from, size_t count, uint32_t *counts) {
  const uint8_t *p = from;
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t k = 0; k < 8; k++) counts[256 * k + p[i + k]]++;
  for (; i < count; i++) counts[256 * (i % 8) + p[i]]++;
}
