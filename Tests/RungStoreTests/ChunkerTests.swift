import CRungStore
import RungCore
import Testing

@testable import RungStore

/// Bytes that cannot be compressed and are the same every time. Each seed's are a continuation of no other's.
func noise(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
  var state = seed &* 0xD134_2543_DE82_EF95
  var words = [UInt64](repeating: 0, count: (count + 7) / 8)
  for index in words.indices {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let word = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
    words[index] = (word ^ word >> 32).littleEndian
  }
  return words.withUnsafeBytes { Array($0.prefix(count)) }
}

/// The lengths of all chunks of the bytes, given in blocks.
func chunks(
  _ bytes: [UInt8], _ sizes: Chunker.Sizes = .standard, cuts: [Int64] = [], block: Int = 1 << 20
) -> [Int] {
  var chunker = Chunker(sizes: sizes, cuts: cuts)
  var lengths: [Int] = []
  bytes.withUnsafeBytes { all in
    for at in stride(from: 0, to: all.count, by: block) {
      lengths += chunker.lengths(UnsafeRawBufferPointer(rebasing: all[at..<min(at + block, all.count)]))
    }
  }
  if chunker.unfinished > 0 { lengths.append(chunker.unfinished) }
  return lengths
}

@Suite struct ChunkerTests {
  private let small = Chunker.Sizes(smallest: 500, average: 2048, largest: 8000)

  // Where each chunk ends.
  private func ends(_ lengths: [Int]) -> [Int] {
    var at = 0
    return lengths.map { length in
      at += length
      return at
    }
  }

  // The digests of the chunks.
  private func contents(_ bytes: [UInt8], _ lengths: [Int]) -> Set<Digest> {
    Set(zip(ends(lengths), lengths).map { Digest(of: bytes[($0 - $1)..<$0]) })
  }

  @Test func theGearsNumbersNeverChange() throws {
    let gear = try #require(rung_gear())
    let bytes = (0..<256).flatMap { index in withUnsafeBytes(of: gear[index].littleEndian) { Array($0) } }
    #expect(gear[0] == 0xE220_A839_7B1D_CDAF)  // as published with splitmix64
    #expect(Digest(of: bytes).hex == "3843faf2c6540306294b486fda136f53cc592319b024ecb30987d6340908063b")
  }

  @Test func theCutsNeverChange() {
    let bytes = noise(4 << 20, seed: 1)
    #expect(Digest(of: bytes).hex == "a54359d38de022140fa7f2d358ad4ff0cca263097c4af4f6505c60f26a84f471")
    #expect(
      chunks(bytes) == [522_757, 410_963, 365_395, 680_352, 573_743, 649_525, 210_818, 646_433, 134_318])
    #expect(
      chunks(Array(bytes[..<60_000]), small) == [
        2315, 2566, 1434, 2662, 2491, 2334, 2334, 2113, 3086, 2694, 1263, 2253, 3466, 2095, 2454, 2071, 582, 2631, 2681,
        3696, 2092, 2245, 3724, 2067, 2651,
      ])
  }

  @Test func theKernelDoesWhatTheDefinitionSays() throws {
    let gear = try #require(rung_gear())
    for seed in 1...2 as ClosedRange<UInt64> {
      // Runs of equal bytes as well: they are not cut but at the largest length.
      let bytes =
        noise(20_000, seed: seed) + [UInt8](repeating: UInt8(seed), count: 12_000) + noise(9_999, seed: seed + 9)
      var expected: [Int] = []
      var start = 0
      for at in bytes.indices {
        let length = at + 1 - start
        var hash: UInt64 = 0
        if length >= small.smallest { for byte in bytes[(at - 63)...at] { hash = hash &* 2 &+ gear[Int(byte)] } }
        // An average of 2^11 at level 2: 13 bits, later 9.
        let limit: UInt64 = length < small.average ? 1 << 51 : 1 << 55
        if length == small.largest || (length >= small.smallest && hash < limit) {
          expected.append(length)
          start = at + 1
        }
      }
      if start < bytes.count { expected.append(bytes.count - start) }
      #expect(chunks(bytes, small) == expected)
    }
  }

  @Test func theBlocksOfTheStreamMakeNoDifference() {
    let bytes = noise(160_000, seed: 4)
    let cuts: [Int64] = [9, 17_000, 40_000, 41_000, 90_001, 130_000, 140_000, 160_000, 400_000]
    let medium = Chunker.Sizes(smallest: 4096, average: 16_384, largest: 65_536)
    for (sizes, cuts) in [(small, []), (medium, []), (small, cuts), (medium, cuts)] {
      let whole = chunks(bytes, sizes, cuts: cuts)
      #expect(whole.reduce(0, +) == bytes.count)
      for block in [1, 64, 65, 499, 4096, 100_000] {
        #expect(chunks(bytes, sizes, cuts: cuts, block: block) == whole, "blocks of \(block)")
      }
    }
  }

  @Test func chunksAreAsLongAsPromised() {
    let lengths = chunks(noise(1 << 20, seed: 5), small)
    #expect(lengths.dropLast().allSatisfy { (small.smallest...small.largest).contains($0) })
    let average = (1 << 20) / lengths.count
    #expect((1800...2800).contains(average), "\(average)")
    #expect(chunks([UInt8](repeating: 0, count: 20_000), small) == [8000, 8000, 4000])
    #expect(chunks([], small) == [] && chunks([1], small) == [1])
    #expect(chunks(noise(500, seed: 1), small) == [500] && chunks(noise(501, seed: 1), small).count <= 2)
  }

  @Test func bytesPutInOrTakenOutChangeTheChunksAroundThem() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let before = noise(120_000, seed: seed)
      var after = before
      let place = Int(seed * 5_889)
      if seed % 2 == 0 {
        after.insert(contentsOf: noise(Int(seed * seed), seed: 1000), at: place)
      } else {
        after.removeSubrange(place..<place + Int(seed * 30))
      }
      let old = contents(before, chunks(before, small))
      let new = contents(after, chunks(after, small))
      #expect(new.subtracting(old).count <= 8, "seed \(seed)")
    }
  }

  @Test func chunksEndWhereLargePartsMeetAndSmallOnesShare() {
    let medium = Chunker.Sizes(smallest: 32 << 10, average: 128 << 10, largest: 512 << 10)
    for seed in 1...4 as ClosedRange<UInt64> {
      let bytes = noise(2_000_000, seed: seed)
      let places = Set(noise(60, seed: seed + 500).map { Int($0) * 7_819 + Int(seed) } + [2_000_000]).sorted()
      let large = zip([0] + places, places).filter { $1 - $0 >= medium.smallest }
      let anchors = Set(large.flatMap { [$0, $1] })
      let lengths = chunks(bytes, medium, cuts: places.shuffled().map { Int64($0) })
      let ends = [0] + ends(lengths)
      #expect(ends.last == bytes.count && lengths.allSatisfy { $0 <= medium.largest })
      #expect(anchors.isSubset(of: ends))
      for (end, length) in zip(ends.dropFirst(), lengths) {
        // A short chunk lies before a large part; an end that was not given is the content's choice.
        #expect(length >= Chunker.smallestPart || anchors.contains(end) || end == bytes.count, "seed \(seed), \(end)")
        #expect(length >= medium.smallest || places.contains(end), "seed \(seed), \(end)")
      }
      for place in places where !ends.contains(place) {
        #expect(ends.contains { (0..<Chunker.smallestPart).contains(place - $0) }, "seed \(seed), \(place)")
      }
    }
  }

  @Test func zerosAreCutOnlyWhereGivenAndAtTheLargestLength() {
    let zeros = [UInt8](repeating: 0, count: 200_000)
    let sizes = Chunker.Sizes(smallest: 30_000, average: 32_768, largest: 65_536)
    #expect(chunks(zeros, sizes, cuts: [100_000]) == [65_536, 34_464, 65_536, 34_464])
    #expect(chunks(zeros, sizes, cuts: [65_537]) == [65_536, 1, 65_536, 65_536, 3_391])
    #expect(chunks(zeros, sizes, cuts: [-5, 0, 16_383, .max, .min]) == [16_383, 65_536, 65_536, 52_545])
    // Small parts: the second ends less than 16 KiB after the first.
    #expect(chunks(zeros, sizes, cuts: [16_384, 20_000]) == [16_384, 65_536, 65_536, 52_544])
    // Between large ones, they are a chunk.
    #expect(chunks(zeros, sizes, cuts: [50_000, 50_010, 50_300, 90_000]) == [50_000, 300, 39_700, 65_536, 44_464])
    #expect(chunks(zeros, sizes, cuts: [50_000, 50_000, 200_000]) == [50_000, 65_536, 65_536, 18_928])
  }

  @Test func aLargeTensorIsTheSameChunksWhateverTheSmallOnesBesideIt() {
    func file(_ small: UInt64) -> [[UInt8]] {
      (0..<5).flatMap { [noise(300 + Int(small), seed: small + $0), noise(400_000, seed: 50 + $0)] }
    }
    func digests(_ parts: [[UInt8]]) -> Set<Digest> {
      let bytes = parts.flatMap { $0 }
      return contents(bytes, chunks(bytes, cuts: ends(parts.map(\.count)).map { Int64($0) }))
    }
    #expect(digests(file(1)).intersection(digests(file(10))).count >= 5)
    #expect(digests(file(1)).subtracting(digests(file(10))).count == 5)
  }

  @Test func aCheckpointWithAGrownTensorSharesTheOthers() {
    let tensors = (1...6).map { noise(700_000, seed: $0) }
    var changed = tensors
    changed[2] = noise(750_000, seed: 99)
    func cuts(_ parts: [[UInt8]]) -> [Int64] { ends(parts.map(\.count)).map { Int64($0) } }
    let (old, new) = (tensors.flatMap { $0 }, changed.flatMap { $0 })
    let shared = contents(old, chunks(old, cuts: cuts(tensors)))
    var added = 0
    let lengths = chunks(new, cuts: cuts(changed))
    for (end, length) in zip(ends(lengths), lengths) where !shared.contains(Digest(of: new[(end - length)..<end])) {
      added += length
    }
    #expect(added == 750_000)
  }
}
