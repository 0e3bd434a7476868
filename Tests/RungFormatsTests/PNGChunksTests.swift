import RungCore
import Testing

@testable import RungFormats

@Suite struct PNGChunksTests {
  @Test func theChunksOfAPictureAreFound() throws {
    let bytes = StampSamples.png
    let found = try PNGChunks(bytes + [1, 2, 3])
    #expect(found.chunks.map(\.type) == ["IHDR", "tEXt", "IDAT", "IDAT", "IEND"])
    #expect(found.end == bytes.count)
    #expect(found.chunks.first?.range == 8..<33)
    #expect(found.chunks.first?.data == 16..<29)
    let text = try #require(found.chunks.first { $0.type == "tEXt" })
    #expect(bytes[text.data].elementsEqual("Comment\0nothing".utf8))
  }

  @Test func aPictureCutAnywhereIsRefusedWithASentence() {
    for count in 0..<StampSamples.png.count {
      let error = #expect(throws: FormatError.self) { try PNGChunks(Array(StampSamples.png[..<count])) }
      #expect(error?.message.contains("PNG") == true)
    }
  }

  @Test func aToppledBitIsFoundByTheChecksums() {
    for place in StampSamples.png.indices {
      var damaged = StampSamples.png
      damaged[place] ^= 4
      #expect(throws: FormatError.self, "byte \(place)") { try PNGChunks(damaged) }
    }
  }

  @Test func theErrorsSayWhatIsWrong() {
    func message(_ bytes: [UInt8]) -> String {
      do {
        _ = try PNGChunks(bytes)
        return ""
      } catch {
        return error.message
      }
    }
    let header = MadePNG.chunk("IHDR", [UInt8](repeating: 1, count: 13))
    let start = PNGChunks.signature
    #expect(message(Array("GIF89a".utf8)) == "it is no PNG: it does not begin like one")
    #expect(message(start + header) == "the PNG ends before its chunk 2 does")
    #expect(message(start + header + [0, 0, 0, 9, 73, 68, 65, 84, 0, 0, 0, 0]) == "the PNG ends within its chunk 2")
    #expect(message(start + header + MadePNG.chunk("ID T", [])) == "chunk 2 of the PNG has no proper type")
    #expect(message(start + MadePNG.chunk("IDAT", [])) == "the PNG does not begin with one proper IHDR chunk")
    #expect(message(start + header + header) == "the PNG does not begin with one proper IHDR chunk")
    #expect(
      message(start + header + [0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 65, count: 8))
        == "chunk 2 of the PNG has an impossible length")
    #expect(message(start + header + [0, 0, 0, 0, 73, 68, 65, 84, 0, 0, 0, 0]).contains("(IDAT) fails its checksum"))
  }

  @Test func theStampIsAnInternationalTextBehindTheHeader() throws {
    let stamp = StampSamples.stamp(StampSamples.png, instance: "p/ü")
    let stamped = try #require(Stamping.stamped(StampSamples.png, with: stamp))
    let chunks = try PNGChunks(stamped).chunks
    #expect(chunks.map(\.type) == ["IHDR", "iTXt", "tEXt", "IDAT", "IDAT", "IEND"])
    #expect(stamped[chunks[1].data].elementsEqual(Array("rung\0\0\0\0\0".utf8) + Array(stamp.json.utf8)))
    #expect(try PNGImage(stamped) == PNGImage(StampSamples.png))
  }

  @Test func aStampThatAnotherProgramWroteIsReadInEachKindOfText() throws {
    let stamp = StampSamples.stamp(StampSamples.png)
    let json = Array(stamp.json.utf8)
    for (type, body) in [
      ("tEXt", Array("rung\0".utf8) + json), ("zTXt", Array("rung\0\0".utf8) + Zlib.deflate(json)),
      ("iTXt", Array("rung\0\u{1}\0en\0Rung\0".utf8) + Zlib.deflate(json)),
      ("iTXt", Array("rung\0\0\0en\0Rung\0".utf8) + json),
    ] {
      let bytes = StampSamples.png[..<33] + MadePNG.chunk(type, body) + StampSamples.png[33...]
      let reading = try #require(Stamping.reading(Array(bytes)), "\(type)")
      #expect(reading.stamp == stamp)
      #expect(!reading.isUnedited)
    }
    for (type, body) in [
      ("tEXt", Array("Rung\0".utf8) + json), ("tEXt", Array("rung".utf8) + json), ("tEXt", json),
      ("zTXt", Array("rung\0\0".utf8) + json), ("iTXt", Array("rung\0\0\0".utf8)), ("iTXt", Array("rung\0".utf8)),
      ("zTXt", Array("rung\0\0".utf8) + Zlib.deflate([UInt8](repeating: 32, count: 1 << 20))),
    ] {
      #expect(
        Stamping.read(Array(StampSamples.png[..<33] + MadePNG.chunk(type, body) + StampSamples.png[33...])) == nil)
    }
  }
}
