// Content-defined chunking after FastCDC (Xia et al., IEEE TPDS 2020): a gear hash, nothing looked for in the first
// `min` bytes, and a strict condition before the average length but a loose one after it ("normalized", level 2), which
// gathers the lengths around the average.
//
// The cut points are a part of what is stored: versions of a file share chunks only while the same bytes are cut alike.
// So the table, the masks and the window below never change.
#include "crungstore.h"
#include <pthread.h>

// A bit of the hash at place p depends on the last p + 1 bytes: after 64 bytes nothing older is left in it.
enum { window = 64 };

static uint64_t gear[256];

// The first 256 numbers of splitmix64 (Steele, Lea, Flood 2014) from the seed 0.
static void fill_gear(void) {
  uint64_t state = 0;
  for (int i = 0; i < 256; i++) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    gear[i] = z ^ z >> 31;
  }
}

const uint64_t *rung_gear(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_gear);
  return gear;
}

int rung_chunker_init(rung_chunker_t *chunker, size_t min, size_t average, size_t max) {
  int bits = 0;
  while (bits < 40 && (size_t)1 << bits < average) bits++;
  if (bits < 8 || (size_t)1 << bits != average || min < window || min > average || average > max) return 0;
  rung_gear();
  // The highest bits, since they depend on the most bytes. The expected distance of cuts is 2 to the number of bits.
  *chunker = (rung_chunker_t){min, average, max, 64 - (bits + 2), 64 - (bits - 2), 0, 0};
  return 1;
}

void rung_chunker_restart(rung_chunker_t *chunker) { chunker->length = 0, chunker->hash = 0; }

// The number of bytes up to and with the first after which the hash is below 2^shift; 0 when there is none.
// Four bytes a round: the hash after all four waits for the one before only through a shift and an addition.
static size_t find(uint64_t *hash, const uint8_t *p, size_t count, int shift) {
  uint64_t h = *hash;
  const uint64_t limit = (uint64_t)1 << shift;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t a = gear[p[i]], b = 2 * a + gear[p[i + 1]], c = 2 * b + gear[p[i + 2]], d = 2 * c + gear[p[i + 3]];
    if (__builtin_expect(2 * h + a < limit, 0)) return i + 1;
    if (__builtin_expect(4 * h + b < limit, 0)) return i + 2;
    if (__builtin_expect(8 * h + c < limit, 0)) return i + 3;
    h = 16 * h + d;
    if (__builtin_expect(h < limit, 0)) return i + 4;
  }
  for (; i < count; i++) {
    h = 2 * h + gear[p[i]];
    if (h < limit) return i + 1;
  }
  *hash = h;
  return 0;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

size_t rung_chunker_take(rung_chunker_t *c, const void *bytes, size_t count, int *ends) {
  const uint8_t *p = bytes;
  size_t at = 0;
  *ends = 0;
  // Bytes whose hash no condition sees, then those that only fill the window of the first that one sees.
  if (c->length < c->min - window) {
    at = least(count, c->min - window - c->length);
    c->length += at;
  }
  for (; at < count && c->length < c->min - 1; at++, c->length++) c->hash = 2 * c->hash + gear[p[at]];
  while (at < count) {
    int strict = c->length + 1 < c->average;
    size_t stretch = least(count - at, strict ? c->average - 1 - c->length : c->max - c->length);
    size_t found = find(&c->hash, p + at, stretch, strict ? c->strict : c->loose);
    at += found ? found : stretch;
    c->length += found ? found : stretch;
    if (found || c->length == c->max) {
      rung_chunker_restart(c);
      *ends = 1;
      break;
    }
  }
  return at;
}
