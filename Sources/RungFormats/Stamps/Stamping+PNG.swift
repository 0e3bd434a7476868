extension Stamping {
  static let png = Format(insert: { insertPNG($0, $1) }, find: { findPNG($0) })

  // The keyword, then: not compressed, no language, no translated keyword (ISO/IEC 15948, 11.3.4.5).
  private static let pngPrefix: [UInt8] = Array("rung".utf8) + [0, 0, 0, 0, 0]

  private static func chunk(_ stamp: Stamp) -> [UInt8] {
    PNGChunks.encoded("iTXt", pngPrefix + Array(stamp.json.utf8))
  }

  private static func insertPNG(_ bytes: [UInt8], _ stamp: Stamp) -> [UInt8]? {
    guard let header = (try? PNGChunks(bytes))?.chunks.first?.range.upperBound else { return nil }
    return bytes[..<header] + chunk(stamp) + bytes[header...]
  }

  // A program that writes the file anew may have moved the chunk, or have cut the file: what is before the damage counts.
  private static func findPNG(_ bytes: [UInt8]) -> Finding? {
    let (chunks, _, problem) = PNGChunks.walk(bytes)
    // A file with many texts of our name that are no stamps is none of ours.
    var left = 16
    for (index, found) in chunks.enumerated() where bytes[found.data].starts(with: pngPrefix.prefix(5)) {
      left -= 1
      if left < 0 { return nil }
      guard let stamp = stamp(found.type, bytes[found.data]) else { continue }
      guard problem == nil, index == 1, bytes[found.range].elementsEqual(chunk(stamp)) else { return .changed(stamp) }
      return .stamped(stamp, original: Array(bytes[..<found.range.lowerBound] + bytes[found.range.upperBound...]))
    }
    return nil
  }

  // Other writers may compress the text, name a language, or write the older kinds of text chunk.
  private static func stamp(_ type: String, _ data: ArraySlice<UInt8>) -> Stamp? {
    let isInternational = type == "iTXt"
    guard isInternational || type == "tEXt" || type == "zTXt" else { return nil }
    guard data.starts(with: pngPrefix.prefix(5)) else { return nil }
    var rest = data.dropFirst(5)
    let isPacked = type == "zTXt" || isInternational && rest.first == 1
    if type != "tEXt" { rest = rest.dropFirst(isInternational ? 2 : 1) }
    for _ in 0..<(isInternational ? 2 : 0) {
      guard let zero = rest.firstIndex(of: 0) else { return nil }
      rest = rest[(zero + 1)...]
    }
    guard rest.count <= Stamp.longest else { return nil }
    guard isPacked else { return Stamp(json: String(decoding: rest, as: UTF8.self)) }
    guard let text = try? Zlib.inflate(rest, limit: Stamp.longest) else { return nil }
    return Stamp(json: String(decoding: text, as: UTF8.self))
  }
}
