/// An incremental update (ISO 32000-1, section 7.5.6) with a document information dictionary that has our keys besides
/// the old ones, and the first page once more with a property list in its resources. Programs that make the page part of
/// another document keep its resources, so that the stamp goes with it; they drop the document's information, except for
/// pdfTeX, which keeps it as `PTEX.InfoDict`.
extension Stamping {
  static let pdf = Format(insert: { insertPDF($0, $1) }, find: { findPDF($0) })

  /// The stamp in a dictionary; nil without one.
  static func stamp(in dictionary: PDFValue?) -> Stamp? {
    dictionary?["RungStamp"]?.text.flatMap { Stamp(json: $0) }
  }

  // Numbers of objects beyond this are beyond what readers take (ISO 32000-1, annex C).
  private static let mostObjects = 8_388_607

  private static func insertPDF(_ bytes: [UInt8], _ stamp: Stamp) -> [UInt8]? {
    guard let revision = PDFRevision(bytes), revision.size < mostObjects - 1, bytes.count < 9_000_000_000 else {
      return nil
    }
    guard let root = revision.trailer["Root"], revision.resolve(root)?["Pages"] != nil else { return nil }
    let mark: [(StaticString, PDFValue)] = [("RungStamp", .string(stamp.plainJSON))]
    let old = revision.trailer["Info"].map { revision.resolve($0) ?? .null } ?? .dictionary([])
    // Information that is not there is no reason to lose a stamp; what is something else is damage.
    guard old.entries != nil || old == .null else { return nil }
    let information = old.setting(
      mark + [("RungStampSum", .string(Array(stamp.sum.utf8))), ("RungStampOver", .int(bytes.count))])

    var update = PDFUpdate(bytes, revision)
    if let (number, generation, page, _) = revision.firstPage(), let marked = marked(page, mark, revision) {
      update.add(number, generation, marked)
    }
    update.add(revision.size, 0, information)
    return update.finished(information: revision.size)
  }

  // The page with its resources inside it, and the stamp among their property lists. Nothing on the page uses it.
  private static func marked(
    _ page: PDFValue, _ mark: [(StaticString, PDFValue)], _ revision: PDFRevision
  ) -> PDFValue? {
    guard let resources = revision.resolve(page["Resources"]), resources.entries != nil else { return nil }
    let lists = resources["Properties"].map { revision.resolve($0) } ?? .dictionary([])
    guard let lists, lists.entries != nil else { return nil }
    let more = lists.setting([("RungStamp", PDFValue.dictionary([]).setting(mark))])
    return page.setting([("Resources", resources.setting([("Properties", more)]))])
  }

  private static func findPDF(_ bytes: [UInt8]) -> Finding? {
    guard let revision = PDFRevision(bytes) else {
      return (try? PDFDocument(bytes)).flatMap { stamp(in: $0.information) }.map { .changed($0) }
    }
    let information = revision.resolve(revision.trailer["Info"])
    guard let stamp = stamp(in: information) else {
      // A program that has written a figure anew may have kept its page only.
      guard let (_, _, page, isOnly) = revision.firstPage(), isOnly else { return nil }
      let lists = revision.resolve(revision.resolve(page["Resources"])?["Properties"])
      return Self.stamp(in: revision.resolve(lists?["RungStamp"])).map { .changed($0) }
    }
    guard let count = information?["RungStampOver"]?.int, 0..<bytes.count ~= count,
      insertPDF(Array(bytes[..<count]), stamp) == bytes
    else { return .changed(stamp) }
    return .stamped(stamp, original: Array(bytes[..<count]))
  }
}
