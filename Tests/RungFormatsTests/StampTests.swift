import RungCore
import RungFormats
import Testing

@Suite struct StampTests {
  private static let files = [
    "figure.png", "grey.png", "palette.png", "figure.svg", "figure.pdf", "cairo.pdf", "packed.pdf", "linear.pdf",
    "pdftex.pdf", "xetex.pdf", "united.pdf", "pages.pdf", "img2pdf.pdf", "reportlab.pdf", "attached.pdf",
  ]

  @Test func theTextFormIsPinned() {
    let stamp = Stamp(
      artifact: Digest(ofText: "a"), record: Digest(ofText: "b"), run: nil, instance: "p/s[x=1]", output: "o")
    #expect(
      stamp.json == """
        {"format":"rung/stamp/1",\
        "artifact":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",\
        "record":"sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","run":null,\
        "instance":"p/s[x=1]","output":"o"}
        """)
  }

  @Test(arguments: ["p/s", "p/s[name=ü\u{1F600}\u{0}\u{7F}<&>\"\\)(]", ""]) func aStampIsReadAsItWasWritten(
    _ name: String
  ) {
    for run in [true, false] {
      let stamp = StampSamples.stamp([1], instance: name, run: run)
      #expect(Stamp(json: stamp.json) == stamp)
    }
  }

  @Test func aTextThatLacksSomethingIsNoStamp() {
    let text = StampSamples.stamp([1]).json
    #expect(Stamp(json: text) != nil)
    for (old, new) in [
      ("rung/stamp/1", "rung/stamp/2"), ("\"run\"", "\"ran\""), ("\"artifact\":\"sha256:", "\"artifact\":\"md5:"),
      ("\"output\":\"figure\"", "\"output\":1"), ("}", ""), ("{", "[{"),
    ] {
      #expect(Stamp(json: text.replacing(old, with: new)) == nil, "\(new)")
    }
    #expect(Stamp(json: StampSamples.stamp([1], instance: String(repeating: "x", count: 1 << 16)).json) == nil)
  }

  @Test func whatOtherProgramsDrewIsStampedAndReadBack() throws {
    for name in Self.files {
      let bytes = try StampSamples.fixture(name)
      try Self.isKept(bytes, name)
    }
  }

  @Test func smallFilesWithAnyStampAreReadBack() throws {
    for bytes in StampSamples.small {
      for instance in ["", "p/s[name=ü\u{1F600}\u{0}]]>--><&\"\\)(]", String(repeating: "axis=1,", count: 1000)] {
        try Self.isKept(bytes, "", instance: instance)
      }
    }
  }

  @Test func anUnchangedCopyIsUneditedAndAnyOtherIsNot() throws {
    for bytes in StampSamples.small {
      let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
      #expect(Stamping.reading(stamped)?.isUnedited == true)
      #expect(!Stamping.isEdited(stamped))
      #expect(!Stamping.isEdited(bytes))
      let stray = try #require(Stamping.stamped(bytes, with: StampSamples.stamp([1, 2, 3])))
      #expect(Stamping.isEdited(stray))
      #expect(Stamping.read(stray)?.original == bytes)
      // Whatever is added behind is no part of what was published.
      #expect(Stamping.isEdited(stamped + [0x0A]))
    }
  }

  @Test func aSecondStampTakesThePlaceOfTheFirst() throws {
    for bytes in StampSamples.small {
      let (first, second) = (
        StampSamples.stamp(bytes, instance: "first"), StampSamples.stamp(bytes, instance: "second", run: false)
      )
      let once = try #require(Stamping.stamped(bytes, with: first))
      #expect(Stamping.stamped(once, with: second) == Stamping.stamped(bytes, with: second))
      #expect(Stamping.stamped(once, with: first) == once)
    }
  }

  @Test func aStampedFileMayBeAnArtifactItself() throws {
    for bytes in StampSamples.small {
      let copy = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes, instance: "first")))
      let outer = StampSamples.stamp(copy, instance: "second")
      let again = try #require(Stamping.stamped(copy, with: outer))
      let read = try #require(Stamping.reading(again))
      #expect(read.stamp == outer)
      #expect(read.original == copy)
      #expect(read.isUnedited)
      #expect(Stamping.read(read.original)?.original == bytes)
    }
  }

  @Test func whatHasNoRoomForAStampIsLeftAlone() throws {
    let svg = String(decoding: StampSamples.svg, as: UTF8.self)
    let others: [[UInt8]] = [
      [], [0], Array("x,y\n1,2\n".utf8), [0x1F, 0x8B, 8, 0], [0xFF, 0xD8, 0xFF, 0xE0],
      Array("<html><svg/></html>".utf8),
      Array("<svg/>".utf8), PNGChunks.signature, Array("%PDF-1.4\n".utf8),
      Array(svg.replacing("UTF-8", with: "UTF-16").utf8), Array(svg.utf8.dropLast(8)),
      Array(StampSamples.png.dropLast()), Array(StampSamples.pdf.dropLast(20)), [0x0A] + StampSamples.pdf,
      try StampSamples.fixture("encrypted.pdf"),
    ]
    for bytes in others {
      #expect(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)) == nil, "\(bytes.prefix(40))")
      #expect(Stamping.read(bytes) == nil)
    }
  }

  @Test(arguments: ["resaved.png", "resaved.svg", "resaved.pdf"])
  func aFileWrittenAnewWithItsMetadataIsEdited(_ name: String) throws {
    let bytes = try StampSamples.fixture(name)
    let original = try StampSamples.fixture(name.replacing("resaved", with: "figure"))
    let reading = try #require(Stamping.reading(bytes))
    #expect(reading.stamp.artifact == Digest(of: original))
    #expect(reading.stamp.instance == "project/plot")
    #expect(!reading.isUnedited)
    #expect(Stamping.isEdited(bytes))
  }

  private static func isKept(_ bytes: [UInt8], _ name: String, instance: String = "project/plot[seed=1]") throws {
    let stamp = StampSamples.stamp(bytes, instance: instance)
    let stamped = try #require(Stamping.stamped(bytes, with: stamp), "\(name) takes no stamp")
    let read = try #require(Stamping.read(stamped), "\(name) has lost its stamp")
    #expect(read.stamp == stamp)
    #expect(read.original == bytes, "\(name)")
    #expect(Stamping.stamped(bytes, with: stamp) == stamped)
  }
}
