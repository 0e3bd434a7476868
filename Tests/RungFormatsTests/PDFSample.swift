/// A small PDF, written here so that the tests know each byte of it.
struct PDFSample {
  /// Objects by number, from 1, without head and end; the first is the catalog.
  var objects: [String] = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /ProcSet [/PDF] >> >>",
    "<< /Length 13 >>\nstream\n0 0 9 9 re f \nendstream",
    "<< /Title (A \\(small\\) figure) /Producer <FEFF00FC> >>",
  ]
  /// More for the trailer.
  var trailer = "/Info 5 0 R"
  /// Whether the file has a cross-reference stream in place of a table.
  var hasStreamTable = false

  /// The file.
  var bytes: [UInt8] {
    var out = Array("%PDF-1.5\n%âãÏÓ\n".utf8)
    var offsets: [Int] = []
    for (index, object) in objects.enumerated() {
      offsets.append(out.count)
      out += "\(index + 1) 0 obj\n\(object)\nendobj\n".utf8
    }
    let start = out.count
    if hasStreamTable {
      var data: [UInt8] = [0, 0, 0, 0]
      for offset in offsets + [start] {
        data += [1, UInt8(truncatingIfNeeded: offset >> 8), UInt8(truncatingIfNeeded: offset), 0]
      }
      let size = objects.count + 2
      out += "\(size - 1) 0 obj\n<< /Type /XRef /Size \(size) /W [1 2 1] /Root 1 0 R \(trailer) ".utf8
      out += "/Length \(data.count) >>\nstream\n".utf8
      out += data
      out += "\nendstream\nendobj\n".utf8
    } else {
      out += "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n".utf8
      for offset in offsets {
        let text = String(offset)
        out += (String(repeating: "0", count: 10 - text.utf8.count) + text + " 00000 n \n").utf8
      }
      out += "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R \(trailer) >>\n".utf8
    }
    out += "startxref\n\(start)\n%%EOF\n".utf8
    return out
  }
}
