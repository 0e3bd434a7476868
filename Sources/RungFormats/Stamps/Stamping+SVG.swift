extension Stamping {
  static let svg = Format(insert: { insertSVG($0, $1) }, find: { findSVG($0) })

  // In the root's own namespace, so that a program that knows SVG knows that it is metadata.
  private static func element(_ stamp: Stamp, _ outline: SVGOutline) -> [UInt8] {
    let name = String(decoding: outline.prefix, as: UTF8.self) + "metadata"
    let open = "<\(name)><rung:stamp xmlns:rung=\"\(SVGOutline.namespace)\" sum=\"\(stamp.sum)\">"
    return Array(open.utf8) + stamp.plainJSON + Array("</rung:stamp></\(name)>".utf8)
  }

  private static func insertSVG(_ bytes: [UInt8], _ stamp: Stamp) -> [UInt8]? {
    let outline = SVGOutline(bytes)
    guard outline.isWhole, let content = outline.content else { return nil }
    return bytes[..<content] + element(stamp, outline) + bytes[content...]
  }

  private static func findSVG(_ bytes: [UInt8]) -> Finding? {
    let outline = SVGOutline(bytes)
    guard let stamp = outline.stamp else { return nil }
    let element = element(stamp, outline)
    guard outline.isWhole, let content = outline.content, bytes[content...].starts(with: element) else {
      return .changed(stamp)
    }
    return .stamped(stamp, original: Array(bytes[..<content] + bytes[(content + element.count)...]))
  }
}
