import RungCore
import Testing

@testable import RungFormats

/// Documents that were made to take long or much. A reader that looks back, follows a circle or believes a number takes
/// hours or all memory for them.
@Suite struct PDFHostileTests {
  @Test(
    .timeLimit(.minutes(3)),
    arguments: [
      "1 0 obj ", "1 0 obj [", "1 0 obj (", "1 0 obj <<", "1 0 obj << /A ", "1 0 obj <41", "obj", " obj", "trailer ",
      "trailer <<",
      "trailer << >> ", "1 0 obj << /Length 9 >> stream\n", "1 0 obj << /Length 1 0 R >> stream\nendstream ", "stream",
      "1 0 obj << /Type /ObjStm /N 99 /First 9 >> stream\nendstream endobj ", "endstream ", "%", "(", "1 0 R ", "0 ",
      "1 0 obj % ", "startxref 9 ", "xref 0 1 ", "1 0 obj /", "1 0 obj << /Type /XRef /Root 1 0 R /Prev 9 >> ",
      "1 0 obj << /Type /Catalog /Pages 1 0 R /Kids [1 0 R 1 0 R] >> ",
      "1 0 obj << /Pages 1 0 R >> trailer << /Root 1 0 R >> ",
    ]) func hostileDocumentsTakeNoLongerThanTheirSize(_ part: String)
  {
    let bytes = StampSamples.hostile("%PDF-1.7\n", part)
    #expect(((try? EmbeddedFigures.inPDF(bytes)) ?? []).isEmpty)
    #expect(Stamping.read(bytes) == nil)
    #expect(Stamping.stamped(bytes, with: StampSamples.stamp([])) == nil)
  }

  @Test(.timeLimit(.minutes(3))) func aLargeHostileDocumentIsRefused() {
    let bytes = StampSamples.hostile("%PDF-1.7\n", "1 0 obj << /Length 2 0 R /A [ ( >> stream\n", size: 20 << 20)
    #expect(throws: FormatError.self) { try EmbeddedFigures.inPDF(bytes) }
    #expect(Stamping.read(bytes) == nil)
  }

  @Test(.timeLimit(.minutes(3))) func whatIsSharedIsLookedAtOnce() throws {
    // Each of many pages has the resources, annotations and attachments of all, and a form that contains itself.
    let kids = (10..<3000).map { "\($0) 0 R" }.joined(separator: " ")
    var sample = PDFSample()
    sample.objects[0] = "<< /Type /Catalog /Pages 2 0 R /AF 9 0 R /Names << /EmbeddedFiles 8 0 R >> >>"
    sample.objects[1] = "<< /Type /Pages /Kids [\(kids) 2 0 R] /Resources << /XObject 6 0 R >> >>"
    sample.objects += [
      "<< \((0..<3000).map { "/X\($0) 7 0 R" }.joined(separator: " ")) >>",
      "<< /Subtype /Form /Resources << /XObject 6 0 R >> /Length 1 >>\nstream\n \nendstream",
      "<< /Kids [8 0 R 8 0 R] /Names [(a) 9 0 R (b) 9 0 R] >>", "[ \(kids) ]",
    ]
    for _ in 10..<3000 { sample.objects.append("<< /Type /Page /Parent 2 0 R /Annots 9 0 R /AF 9 0 R >>") }
    #expect(try EmbeddedFigures.inPDF(sample.bytes).isEmpty)
  }

  @Test func whatUnpacksToTooMuchIsRefused() throws {
    let bomb = Zlib.deflate([UInt8](repeating: 0x20, count: 1 << 22))
    var bytes = Array("%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n".utf8)
    for number in 3..<40 {
      bytes +=
        "\(number) 0 obj << /Type /ObjStm /N 0 /First 0 /Filter /FlateDecode /Length \(bomb.count) >>\nstream\n".utf8
      bytes += bomb
      bytes += "\nendstream endobj\n".utf8
    }
    var limits = PDFDocument.Limits()
    limits.unpacked = 1 << 25
    #expect(throws: FormatError("the PDF unpacks to too much")) { try PDFDocument(bytes, limits: limits) }
    #expect((try? PDFDocument(bytes)) != nil)
  }

  @Test func thereAreLimitsForObjectsAndValues() {
    var limits = PDFDocument.Limits()
    limits.objects = 9
    let many = "%PDF-1.7\n" + (1...10).map { "\($0) 0 obj 1 endobj " }.joined()
    #expect(throws: FormatError("the PDF has more than 9 objects")) {
      try PDFDocument(Array(many.utf8), limits: limits)
    }
    limits.values = 99
    let long = "%PDF-1.7\n1 0 obj [\(String(repeating: "0 ", count: 100))] endobj"
    #expect(throws: FormatError("the PDF has more than 99 values")) {
      try PDFDocument(Array(long.utf8), limits: limits)
    }
  }

  @Test func sizesThatCannotBeAreNotBelieved() throws {
    for keys in [
      "/Width 9999999 /Height 9999999", "/Width -1 /Height 1", "/Width 1 /Height 99999999999999999999",
      "/Width 1 /Height 1 /BitsPerComponent 7",
      "/Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace [/Indexed /DeviceRGB 1 (a)]",
      "/Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /SMask 4 0 R",
      "/Width 1 /Height 1 /BitsPerComponent 1 /ColorSpace [/Indexed [/Indexed /DeviceGray 1 (a)] 1 (a)]",
      "/Width 99999 /Height 99999 /BitsPerComponent 1 /ColorSpace /DeviceGray",
    ] {
      var sample = PDFSample()
      sample.objects[2] = "<< /Type /Page /Resources << /XObject << /I 5 0 R >> >> >>"
      sample.objects[4] = "<< /Subtype /Image \(keys) /Length 1 >>\nstream\nA\nendstream"
      sample.trailer = ""
      #expect(try EmbeddedFigures.inPDF(sample.bytes).allSatisfy { $0.pixels == nil }, "\(keys)")
    }
  }
}
