import RungCore
import Testing

@testable import RungFormats

@Suite struct PDFStampTests {
  private static func stamped(_ bytes: [UInt8]) throws -> [UInt8] {
    try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
  }

  @Test(arguments: [false, true]) func theUpdateIsOneThatReadersUnderstand(_ hasStreamTable: Bool) throws {
    let bytes = PDFSample(hasStreamTable: hasStreamTable).bytes
    let stamped = try Self.stamped(bytes)
    #expect(stamped.starts(with: bytes))
    let (before, after) = (try #require(PDFRevision(bytes)), try #require(PDFRevision(stamped)))
    #expect(after.isStream == hasStreamTable)
    #expect(after.trailer["Prev"] == .int(before.start))
    #expect(after.trailer["Root"] == .reference(1, generation: 0))
    let information = try #require(after.resolve(after.trailer["Info"]))
    #expect(information["Title"]?.text == "A (small) figure")
    #expect(information["Producer"]?.text == "ü")
    #expect(information["RungStampOver"] == .int(bytes.count))
    // The old objects are where they were, and the page differs by its property list only.
    for number in [1, 2, 4, 5] { #expect(after.object(number) == before.object(number)) }
    let page = try #require(after.object(3))
    #expect(page["Contents"] == .reference(4, generation: 0))
    #expect(page["Resources"]?["ProcSet"] == .array([PDFValue(name: "PDF")]))
    #expect(Stamping.stamp(in: page["Resources"]?["Properties"]?["RungStamp"]) == StampSamples.stamp(bytes))
    #expect(after.size == before.size + (hasStreamTable ? 2 : 1))
  }

  @Test func aDocumentWithoutInformationGetsIt() throws {
    let bytes = PDFSample(trailer: "").bytes
    #expect(Stamping.read(try Self.stamped(bytes))?.original == bytes)
  }

  @Test func whatThePageInheritsOrRefersToStays() throws {
    var sample = PDFSample()
    sample.objects[1] = "<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources 6 0 R >>"
    sample.objects[2] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    sample.objects += ["<< /Font << >> /Properties 7 0 R >>", "<< /MC0 << /A#20b .50 >> >>"]
    let stamped = try Self.stamped(sample.bytes)
    let after = try #require(PDFRevision(stamped))
    let resources = try #require(after.object(3)?["Resources"])
    #expect(resources["Font"] == .dictionary([]))
    #expect(resources["Properties"]?["MC0"]?["A b"] == .real(Array(".50".utf8)))
    #expect(resources["Properties"]?["RungStamp"] != nil)
  }

  @Test func aDocumentWhosePageIsOddIsStampedInItsInformation() throws {
    for page in [
      "<< /Type /Page >>", "<< /Type /Page /Resources 99 0 R >>", "<< /Type /Page /Resources [] >>", "null", "[3 0 R]",
      "<< /Type /Page /Resources << /Properties 5 >> >>", "<< /Kids [3 0 R] >>", "<< /Kids [] >>", "3 0 R",
    ] {
      var sample = PDFSample()
      sample.objects[2] = page
      let stamped = try Self.stamped(sample.bytes)
      #expect(Stamping.read(stamped)?.original == sample.bytes, "\(page)")
    }
  }

  @Test func aTableThatDoesNotFitIsNoGroundForAnUpdate() throws {
    let text = String(decoding: PDFSample().bytes, as: UTF8.self)
    for (old, new) in [
      ("/Root 1 0 R", "/Root 9 0 R"), ("/Root 1 0 R", "/Root 4 0 R"), ("/Size 6", "/Sise 6"),
      ("/Info 5 0 R", "/Info 4 0 R /Encrypt << >>"), ("/Info 5 0 R", "/Info 5 0 R /Prev 0"),
      ("/Info 5 0 R", "/Info [ ]"), ("xref\n0 6", "xref\n0 9999999999"), ("startxref\n", "startxref\n9"),
      ("00000 n", "0000x n"), ("/Info 5 0 R", "/Info 5 0 R /XRefStm 9"), ("1 0 obj", "2 0 obj"),
    ] {
      let bytes = Array(text.replacing(old, with: new).utf8)
      #expect(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)) == nil, "\(new)")
    }
  }

  @Test func tablesThatGoRoundEnd() throws {
    let bytes = PDFSample().bytes
    let revision = try #require(PDFRevision(bytes))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(PDFRevision(Array(text.replacing("/Info 5 0 R", with: "/Prev \(revision.start)").utf8)) == nil)
  }

  @Test func anotherUpdateBehindOursIsAnEdit() throws {
    let stamped = try Self.stamped(StampSamples.pdf)
    let revision = try #require(PDFRevision(stamped))
    var update = PDFUpdate(stamped, revision)
    update.add(4, 0, .dictionary([]))
    guard case .reference(let information, _)? = revision.trailer["Info"] else {
      Issue.record("no information")
      return
    }
    let edited = update.finished(information: information)
    #expect(Stamping.read(edited)?.original == edited)
    #expect(Stamping.isEdited(edited))
  }

  @Test func aQuotedStampIsNone() throws {
    let json = StampSamples.stamp([1]).json
    var sample = PDFSample()
    sample.objects[3] = "<< /Length \(json.utf8.count) >>\nstream\n\(json)\nendstream"
    sample.objects[4] = "<< /Title (\(json)) >>"
    sample.objects.append("<< /RungStamp (\(json)) >>")
    #expect(Stamping.read(sample.bytes) == nil)
    #expect(try EmbeddedFigures.inPDF(sample.bytes).isEmpty)
  }

  @Test func valuesAreReadAndWritten() {
    for (text, written) in [
      ("[1 -2 +3 .5 -.5 1. 1 0 R true false null]", "[ 1 -2 3 .5 -.5 1. 1 0 R true false null ]"),
      ("/A#42#20", "/AB#20"), ("(a\\(b\\)\\\\c(d)\\101\\\n)", "(a\\(b\\)\\\\c\\(d\\)A)"), ("(a\r\nb\\r)", "<610A620D>"),
      ("<4 14>", "(AA)".replacing("AA", with: "A@")), ("<</A<</B[]>>/C(%)>>% x", "<< /A << /B [ ] >> /C (%) >>"),
      ("123456789012345678901234", "123456789012345678901234"), ("%c\n7", "7"), ("1 2", "1"),
    ] {
      var parser = PDFParser(Array(text.utf8), at: 0, budget: 100)
      let value = parser.value()
      var out: [UInt8] = []
      value?.write(to: &out)
      #expect(String(decoding: out, as: UTF8.self) == written)
      var again = PDFParser(out, at: 0, budget: 100)
      #expect(again.value() == value)
    }
    for text in [
      "", "]", "<<", "<</A>>", "(", "<4", "<g>", "[", "[1", "trues", "<</A 1 2>>", "-",
      "obj",
    ] {
      var parser = PDFParser(Array(text.utf8), at: 0, budget: 100)
      #expect(parser.value() == nil, "\(text)")
    }
    var deep = PDFParser([UInt8](repeating: UInt8(ascii: "["), count: 100_000), at: 0, budget: 1 << 20)
    #expect(deep.value() == nil)
  }

  @Test func filtersAreUndone() throws {
    func plain(_ bytes: [UInt8], _ dictionary: String) throws -> [UInt8] {
      var parser = PDFParser(Array(dictionary.utf8), at: 0, budget: 100)
      return try PDFFilters.decoded(bytes[...], parser.value() ?? .null, limit: 1000, resolve: { $0 })
    }
    let data: [UInt8] = Array(0..<60).map { UInt8($0) &* 7 }
    #expect(try plain(data, "<<>>") == data)
    #expect(try plain(Zlib.deflate(data), "<</Filter/FlateDecode>>") == data)
    #expect(
      try plain(Array("9jqo^BlbD-BleB1DJ+*+F(f,q~>".utf8), "<</Filter/A85>>") == Array("Man is distinguished".utf8))
    #expect(try plain(Array("z!!~>".utf8), "<</Filter/A85>>") == [0, 0, 0, 0, 0])
    #expect(try plain(Array("41 4".utf8), "<</Filter[/AHx]>>") == [0x41, 0x40])
    // Each row with another filter of PNG; the writer of the tests works the other way round.
    let rows = stride(from: 0, to: 60, by: 12).map { Array(data[$0..<$0 + 12]) }
    var filtered: [UInt8] = []
    for (index, row) in rows.enumerated() {
      filtered.append(UInt8(index))
      filtered += MadePNG.filter(row, above: index > 0 ? rows[index - 1] : nil, with: UInt8(index), unit: 3)
    }
    let options = "/DecodeParms<</Predictor 15/Colors 3/Columns 4>>"
    #expect(try plain(Zlib.deflate(filtered), "<</Filter/FlateDecode\(options)>>") == data)
    let differences = rows.flatMap { row in row.indices.map { $0 < 3 ? row[$0] : row[$0] &- row[$0 - 3] } }
    let tiff = options.replacing("15", with: "2")
    #expect(try plain(Zlib.deflate(differences), "<</Filter[/FlateDecode]\(tiff)>>") == data)
    for (bytes, dictionary) in [
      (data, "<</Filter/FlateDecode>>"), (data, "<</Filter/LZWDecode>>"), (Array("~".utf8), "<</Filter[1]>>"),
      (Array("!~>".utf8), "<</Filter/A85>>"), (Array("uuuuu~>".utf8), "<</Filter/A85>>"), (data, "<</Filter/AHx>>"),
      (Zlib.deflate([UInt8](repeating: 0, count: 1001)), "<</Filter/FlateDecode>>"),
      (Zlib.deflate([9, 0]), "<</Filter/FlateDecode\(options)>>"),
      (Zlib.deflate([9, 0]), "<</Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 99999999999>>>>"),
    ] {
      #expect(throws: FormatError.self, "\(dictionary)") { try plain(bytes, dictionary) }
    }
  }
}
