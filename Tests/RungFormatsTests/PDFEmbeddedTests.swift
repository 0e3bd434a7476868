import RungCore
import Testing

@testable import RungFormats

@Suite struct PDFEmbeddedTests {
  private static func figures(_ name: String) throws -> [EmbeddedFigure] {
    try EmbeddedFigures.inPDF(StampSamples.fixture(name))
  }

  private static func artifact(_ name: String) throws -> Digest { Digest(of: try StampSamples.fixture(name)) }

  private static func pixels(_ name: String) throws -> PixelDigest {
    try #require(PixelDigest(try PNGImage(StampSamples.fixture(name))))
  }

  // What a figure is: its file, by the stamp and the drawing, or by the pixels.
  private static func names(_ figures: [EmbeddedFigure]) throws -> [String] {
    let drawings = ["figure.pdf", "packed.pdf", "cairo.pdf"]
    let images = ["figure.png", "grey.png", "palette.png"]
    return try figures.map { figure in
      let name =
        if figure.kind == .drawing {
          try drawings.first { try artifact($0) == figure.stamp?.artifact }
        } else {
          try images.first { try pixels($0) == figure.pixels }
        }
      if figure.kind == .drawing, let name {
        #expect(try EmbeddedFigures.drawing(ofPDF: StampSamples.fixture(name)) == figure.drawing)
        #expect(figure.stamp?.instance == "project/plot")
      }
      return "\(figure.page ?? 0) \(name ?? "?")"
    }
  }

  @Test(arguments: ["pdftex.pdf", "xetex.pdf"]) func whatLaTeXIncludesIsKnownAgain(_ name: String) throws {
    let names = try Self.names(Self.figures(name))
    #expect(
      names == ["1 figure.pdf", "1 packed.pdf", "2 cairo.pdf", "3 figure.png", "3 grey.png", "3 palette.png"])
  }

  @Test func pagesThatWerePutTogetherAreKnownAgain() throws {
    #expect(try Self.names(Self.figures("united.pdf")) == ["1 figure.pdf", "2 cairo.pdf"])
    #expect(try Self.names(Self.figures("pages.pdf")) == ["1 packed.pdf", "2 figure.pdf"])
  }

  @Test func picturesAreKnownByTheirPixels() throws {
    #expect(try Self.names(Self.figures("img2pdf.pdf")) == ["1 grey.png", "2 palette.png"])
    #expect(try Self.names(Self.figures("reportlab.pdf")) == ["1 figure.png", "1 grey.png", "2 palette.png"])
    let first = try #require(Self.figures("reportlab.pdf").first)
    #expect(first.size == EmbeddedFigure.Size(width: 72, height: 54))
    #expect(first.stamp == nil)
  }

  @Test func attachedFilesAreRead() throws {
    let figures = try Self.figures("attached.pdf")
    let expected: [(String, Bool, String)] = [
      ("figure.pdf", true, "figure.pdf"), ("figure.svg", true, "figure.svg"), ("plain.png", false, "figure.png"),
    ]
    #expect(figures.count == expected.count)
    for (figure, (name, isStamped, file)) in zip(figures, expected) {
      #expect(figure.kind == .attachment(name: name))
      #expect((figure.stamp != nil) == isStamped)
      #expect(figure.content == (try Self.artifact(file)))
      #expect(figure.page == nil)
    }
  }

  @Test func theStampOfADocumentIsNoFigureInIt() throws {
    for name in ["figure.pdf", "pdftex.pdf"] {
      let bytes = try StampSamples.fixture(name)
      let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
      #expect(try EmbeddedFigures.inPDF(stamped) == EmbeddedFigures.inPDF(bytes))
    }
    #expect(try Self.figures("resaved.pdf").isEmpty)
  }

  @Test func aFigureThatWasRedrawnHasAnotherDrawing() throws {
    var sample = PDFSample()
    let artifact = try EmbeddedFigures.drawing(ofPDF: sample.bytes)
    sample.objects[3] = "<< /Length 15 >>\nstream\n0 0 9 9 re f   \nendstream"
    #expect(try EmbeddedFigures.drawing(ofPDF: sample.bytes) == artifact)
    sample.objects[3] = "<< /Length 13 >>\nstream\n0 0 8 9 re f \nendstream"
    #expect(try EmbeddedFigures.drawing(ofPDF: sample.bytes) != artifact)
  }

  @Test func whatIsNoPDFIsRefusedWithASentence() throws {
    let encrypted = try StampSamples.fixture("encrypted.pdf")
    for (bytes, message) in [
      ([], "it is no PDF: it does not begin like one"), (StampSamples.png, "it is no PDF: it does not begin like one"),
      (encrypted, "the PDF is encrypted, so what it embeds cannot be read"),
      (Array("%PDF-1.4\n".utf8), "the PDF has no catalog, so nothing in it can be found"),
    ] as [([UInt8], String)] {
      #expect(throws: FormatError(message)) { try EmbeddedFigures.inPDF(bytes) }
    }
  }

  @Test func aDamagedTableDoesNotHideAFigure() throws {
    let whole = try StampSamples.fixture("pdftex.pdf")
    let start = try #require(whole.ranges(of: Array("startxref".utf8)).last).lowerBound
    let damaged = Array(whole[..<start]) + Array("startxref\n999999999999999\n%%EOF".utf8)
    #expect(try EmbeddedFigures.inPDF(damaged) == EmbeddedFigures.inPDF(whole))
  }

  @Test func pixelsAgreeHoweverTheyAreStored() throws {
    let grey = try #require(PixelDigest(width: 2, height: 1, channels: 1, depth: 8, samples: [7, 9]))
    for (channels, samples) in [
      (2, [7, 255, 9, 255]), (3, [7, 7, 7, 9, 9, 9]), (4, [7, 7, 7, 255, 9, 9, 9, 255]),
    ] as [(Int, [UInt8])] {
      #expect(PixelDigest(width: 2, height: 1, channels: channels, depth: 8, samples: samples) == grey)
    }
    #expect(PixelDigest(width: 1, height: 2, channels: 1, depth: 8, samples: [7, 9]) != grey)
    #expect(PixelDigest(width: 2, height: 1, channels: 1, depth: 16, samples: [7, 7, 9, 9]) != grey)
    #expect(PixelDigest(width: 2, height: 1, channels: 2, depth: 8, samples: [7, 255, 9, 254]) != grey)
    #expect(PixelDigest(width: 2, height: 2, channels: 1, depth: 8, samples: [7, 9]) == nil)
    #expect(PixelDigest(width: Int.max, height: 2, channels: 4, depth: 16, samples: []) == nil)
    #expect(PixelDigest(width: 2, height: 1, channels: 1, depth: 4, samples: [7, 9]) == nil)
    #expect(grey.digest == Digest(of: Array("rung/pixels/1 2 1 8\n".utf8) + [7, 7, 7, 255, 9, 9, 9, 255]))
  }
}
