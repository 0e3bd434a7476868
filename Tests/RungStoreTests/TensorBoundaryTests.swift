import RungCore
import Testing

@testable import RungStore

@Suite struct TensorBoundaryTests {
  private func offsets(_ file: [UInt8]) -> [Int64] {
    TensorBoundaries.offsets(size: Int64(file.count)) { offset, count in
      // Never beyond the file, and never much at once.
      #expect(offset >= 0 && offset <= Int64(file.count) && count <= TensorBoundaries.largestHeader)
      let start = Int(min(max(offset, 0), Int64(file.count)))
      return Array(file[start..<min(file.count, start + count)])
    }
  }

  private func little(_ value: UInt64, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(value >> (8 * $0) & 0xFF) } }

  private func safetensors(_ header: String, data: Int) -> [UInt8] {
    little(UInt64(header.utf8.count), 8) + Array(header.utf8) + noise(data, seed: 1)
  }

  // A zip file, and where the data of its larger members starts and ends, and the file. `wide`: with the fields of 64 bits.
  private func zip(
    _ members: [Int], wide: Bool = false, comment: String = ""
  ) -> (file: [UInt8], offsets: [Int64]) {
    var file: [UInt8] = []
    var list: [UInt8] = []
    var offsets: [Int64] = []
    for (index, count) in members.enumerated() {
      let name = Array("archive/data/\(index)".utf8)
      let padding = [UInt8](repeating: 0x5A, count: index * 7)
      let place = UInt64(file.count)
      let sizes =
        wide ? little(0xFFFF_FFFF, 4) + little(0xFFFF_FFFF, 4) : little(UInt64(count), 4) + little(UInt64(count), 4)
      let common = little(0, 4) + little(0, 4) + little(0, 4) + sizes
      file += [0x50, 0x4B, 3, 4] + little(45, 2) + common + little(UInt64(name.count), 2)
      file += little(UInt64(padding.count), 2) + name + padding
      let extra =
        wide
        ? [9, 0, 1, 0, 7, 1, 0, 24, 0] + little(UInt64(count), 8) + little(UInt64(count), 8) + little(place, 8) : []
      list += [0x50, 0x4B, 1, 2] + little(45, 2) + little(45, 2) + common + little(UInt64(name.count), 2)
      list += little(UInt64(extra.count), 2) + little(3, 2) + little(0, 8)
      list += little(wide ? 0xFFFF_FFFF : place, 4) + name + extra + [1, 2, 3]
      if count >= Chunker.smallestPart { offsets += [Int64(file.count), Int64(file.count + count)] }
      file += noise(count, seed: UInt64(index + 1))
    }
    let (start, entries) = (UInt64(file.count), UInt64(members.count))
    file += list
    if wide {
      let place = UInt64(file.count)
      file += [0x50, 0x4B, 6, 6] + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
      file += little(entries, 8) + little(entries, 8) + little(UInt64(list.count), 8) + little(start, 8)
      file += [0x50, 0x4B, 6, 7] + little(0, 4) + little(place, 8) + little(1, 4)
    }
    file += [0x50, 0x4B, 5, 6] + little(0, 4) + little(wide ? 0xFFFF : entries, 2) + little(wide ? 0xFFFF : entries, 2)
    file += little(wide ? 0xFFFF_FFFF : UInt64(list.count), 4) + little(wide ? 0xFFFF_FFFF : start, 4)
    file += little(UInt64(comment.utf8.count), 2) + Array(comment.utf8)
    if !offsets.isEmpty { offsets.append(Int64(file.count)) }
    return (file, Array(Set(offsets)).sorted())
  }

  private let header = """
    {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
     "c": {"dtype": "U8", "shape": [6], "data_offsets": [24, 30]}, "b": {"dtype": "U8", "shape": [0], "data_offsets": [30, 30]},
     "d": {"dtype": "U8", "shape": [70], "data_offsets": [30, 100]}}
    """

  @Test func theTensorsOfSafetensors() {
    let start = Int64(8 + header.utf8.count)
    #expect(offsets(safetensors(header, data: 100)) == [start, start + 24, start + 30, start + 100])
    #expect(offsets(safetensors(header, data: 150)) == [start, start + 24, start + 30, start + 100, start + 150])
    #expect(offsets(safetensors("{}  ", data: 4)) == [12, 16] && offsets(safetensors("{}  ", data: 0)) == [12])
  }

  @Test func aSafetensorsHeaderThatIsWrongGivesNothing() {
    for range in [
      "[0, 101]", "[3, 2]", "[-1, 4]", "[0]", "[0, 1, 2]", "[0, 1.5]", "[0, \"1\"]", "{}", "null", "[0, 1e300]",
      "[0, 9223372036854775807]", "[9223372036854775807, 9223372036854775807]", "[0, 18446744073709551615]",
    ] {
      #expect(offsets(safetensors("{\"a\": {\"data_offsets\": \(range)}}", data: 100)) == [], "\(range)")
    }
    for text in ["{\"a\": 1}", "{\"a\": {}}", "{]", "{\"a\"", "[]", "{\"a\": {\"data_offsets\": [0, 1]}} x"] {
      #expect(offsets(safetensors(text, data: 100)) == [], "\(text)")
    }
    let text = Array("{\"a\": {\"data_offsets\": [0, 1]}}".utf8)
    for length in [0, 1, 30, 32, 33, 1 << 22, (1 << 22) + 1, 1 << 40, .max, 1 << 63] as [UInt64] {
      #expect(offsets(little(length, 8) + text + [0]) == [], "\(length)")
    }
  }

  @Test func theDataOfArrays() {
    let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    let text = [UInt8](repeating: 0x20, count: 118)
    #expect(offsets(magic + [1, 0] + little(118, 2) + text + noise(64, seed: 1)) == [128, 192])
    #expect(offsets(magic + [2, 0] + little(116, 4) + text + noise(62, seed: 1)) == [128, 192])
    #expect(offsets(magic + [1, 0] + little(118, 2) + text) == [128])
    #expect(offsets(magic + [1, 0] + little(119, 2) + text) == [])
    #expect(offsets(magic + [3, 0, 0xFF, 0xFF, 0xFF, 0xFF] + text) == [])
    #expect(offsets(magic + [1]) == [])
  }

  @Test(arguments: [false, true], ["", "a comment"])
  func theMembersOfZipFiles(wide: Bool, comment: String) {
    for members in [[], [5], [16_384], [20_000, 3, 0, 70_000, 16_383, 30_000], [3, 50_000]] {
      let (file, expected) = zip(members, wide: wide, comment: comment)
      #expect(offsets(file) == expected, "\(members)")
    }
    let many = zip((0..<400).map { $0 % 40 == 0 ? 20_000 : 3 }, wide: wide, comment: comment)
    #expect(many.offsets.count == 21 && offsets(many.file) == many.offsets)
  }

  @Test func aFileThatIsCutOffAnywhereIsNoTrap() {
    let (file, expected) = zip([16_384, 20_000], wide: true)
    let inner = file.count - 500
    for count in Array(0...200) + Array(inner..<file.count) { #expect(offsets(Array(file[..<count])) == []) }
    #expect(expected.count == 5 && offsets(file) == expected)
    let tensors = safetensors(header, data: 100)
    for count in 0..<tensors.count { #expect(offsets(Array(tensors[..<count])) == [], "\(count)") }
  }

  @Test func aFileWithAnyByteDamagedIsNoTrap() {
    for wide in [false, true] {
      let (file, _) = zip([16_384, 17_000], wide: wide)
      let places = Array(0..<100) + Array(16_400..<16_500) + Array((file.count - 400)..<file.count)
      for place in places {
        for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
          var damaged = file
          damaged[place] = value
          #expect(offsets(damaged).allSatisfy { (1...Int64(file.count)).contains($0) })
        }
      }
    }
    let file = safetensors(header, data: 100)
    for place in 0..<file.count {
      var damaged = file
      damaged[place] = damaged[place] &+ 1
      #expect(offsets(damaged).allSatisfy { (1...Int64(file.count)).contains($0) })
    }
  }

  @Test func randomBytesBehindTheRightBeginningsAreNoTrap() {
    for seed in 1...300 as ClosedRange<UInt64> {
      let random = noise(Int(seed), seed: seed)
      let end = [0x50, 0x4B, 5, 6] + noise(16, seed: seed + 1) + [0, 0]
      let locator = [0x50, 0x4B, 6, 7] + little(seed % 5 * 3, 12) + noise(4, seed: seed)
      for start in [[], [0x93] + Array("NUMPY".utf8), [0x50, 0x4B, 3, 4], little(seed, 8) + Array("{".utf8)] {
        for file in [start + random, start + random + end, start + random + locator + end] {
          #expect(offsets(file).allSatisfy { (1...Int64(file.count)).contains($0) })
        }
      }
    }
  }

  @Test func aListOfMembersThatClaimsTooMuchIsNotRead() {
    // Entries without end, a list that covers the whole file, members outside of it.
    let (file, _) = zip([16_384, 17_000], wide: true)
    let record = file.count - 22 - 20 - 56
    for (field, value) in [(32, 1_000_001), (32, .max), (40, 1 << 40), (40, .max), (48, .max), (48, 1 << 62)]
      as [(Int, UInt64)]
    {
      var hostile = file
      hostile.replaceSubrange((record + field)..<(record + field + 8), with: little(value, 8))
      #expect(offsets(hostile) == [], "\(field) \(value)")
    }
  }

  @Test func anErrorOfReadingPassesThrough() {
    struct Unreadable: Error {}
    #expect(throws: Unreadable.self) {
      try TensorBoundaries.offsets(size: 100) { (_, _) throws(Unreadable) -> [UInt8] in throw Unreadable() }
    }
  }

  @Test func whatPythonWritesIsUnderstood() throws {
    try withFolder { folder in
      // A stored and a deflated member, between others that are too small to count.
      let program = """
        import sys, zipfile, os
        with zipfile.ZipFile("\(folder)/a.npz", "w") as z:
            for name, mode in (("a", 0), ("b", 8), ("c", 0)):
                with z.open(zipfile.ZipInfo(name), "w", force_zip64=True) as f: f.write(b"small")
                info = zipfile.ZipInfo(name + "L"); info.compress_type = mode
                with z.open(info, "w", force_zip64=True) as f: f.write(os.urandom(100000))
        raw = open("\(folder)/a.npz", "rb").read()
        ends = []
        for i in zipfile.ZipFile("\(folder)/a.npz").infolist():
            if i.compress_size > 16384:
                o = i.header_offset
                s = o + 30 + int.from_bytes(raw[o+26:o+28], "little") + int.from_bytes(raw[o+28:o+30], "little")
                ends += [s, s + i.compress_size]
        print(" ".join(map(str, ends)))
        """
      try write(Array(program.utf8), to: "\(folder)/make.py")
      let printed = try #require(shell("python3 '\(folder)/make.py'"))
      let expected = printed.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
      #expect(expected.count == 6)
      let file = try contents("\(folder)/a.npz")
      #expect(offsets(file) == expected + [Int64(file.count)])
    }
  }
}
