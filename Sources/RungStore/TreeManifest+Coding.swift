import RungCore

// The bytes of a manifest, format 1; docs/formats/store.md has the same for people. They are text, so that `zstd -dc`
// shows a folder:
//
//     rung-tree 1
//     file 5 2cf24dba… hello.txt
//     exec 20 9f86d081… run.sh
//     dir 1024 b94d27b9… sub
//     link ../data/set link
//
// One entry a line, fields divided by one space, each line ended by a newline, sorted by the bytes of the names. In
// names and targets every byte but ! to ~ without the backslash is written `\xHH`, so that no name can look like a
// field or a line and `printf %b` gives the name back. For every folder there is exactly one such text.
extension TreeManifest {
  private static let header = Array("rung-tree 1\n".utf8)

  /// The manifest's bytes: what is stored, and whose digest names the folder.
  public var encoded: [UInt8] {
    var out = Self.header
    out.reserveCapacity(out.count + entries.count * 112)
    for entry in entries {
      switch entry.kind {
      case .file(let digest, let size, let executable):
        out += (executable ? "exec \(size) \(digest.hex) " : "file \(size) \(digest.hex) ").utf8
      case .directory(let digest, let size):
        out += "dir \(size) \(digest.hex) ".utf8
      case .link(let target):
        out += "link ".utf8
        Self.escape(target, into: &out)
        out.append(32)
      }
      Self.escape(entry.nameBytes, into: &out)
      out.append(10)
    }
    return out
  }

  /// The digest that names the folder.
  public var digest: Digest { Digest(of: encoded) }

  /// Reads what `encoded` wrote, and nothing else: any other bytes are `damaged`, with the line's number.
  public init(decoding bytes: some Collection<UInt8>) throws(StoreError) {
    let bytes = Array(bytes)
    guard bytes.starts(with: Self.header), bytes.last == 10 else {
      throw StoreError(.damaged, "this is no folder manifest of format 1")
    }
    var entries: [Entry] = []
    let lines = bytes[Self.header.count...].split(separator: 10, omittingEmptySubsequences: false).dropLast()
    for (index, line) in lines.enumerated() {
      guard let entry = Self.entry(line) else {
        throw StoreError(.damaged, "line \(index + 2) of a folder manifest cannot be read")
      }
      entries.append(entry)
    }
    if let problem = Self.problem(in: entries) { throw StoreError(.damaged, "a folder manifest has \(problem)") }
    self.init(verified: entries)
  }

  private static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
    let fields = line.split(separator: 32, omittingEmptySubsequences: false)
    guard let word = fields.first, let last = fields.last, let name = unescape(last) else { return nil }
    let kind = String(decoding: word, as: UTF8.self)
    if kind == "link" {
      guard fields.count == 3, let target = unescape(fields[1]) else { return nil }
      return Entry(nameBytes: name, kind: .link(target: target))
    }
    guard fields.count == 4, fields[2].count == 64,
      let size = number(fields[1]), let digest = Digest(String(decoding: fields[2], as: UTF8.self))
    else { return nil }
    switch kind {
    case "file": return Entry(nameBytes: name, kind: .file(digest: digest, size: size, executable: false))
    case "exec": return Entry(nameBytes: name, kind: .file(digest: digest, size: size, executable: true))
    case "dir": return Entry(nameBytes: name, kind: .directory(digest: digest, size: size))
    default: return nil
    }
  }

  // Decimal digits only, no leading zero: the one way in which `encoded` writes it.
  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    let text = String(decoding: digits, as: UTF8.self)
    guard let value = Int64(text), value >= 0, String(value) == text else { return nil }
    return value
  }

  private static let digits = Array("0123456789abcdef".utf8)

  private static func isPlain(_ byte: UInt8) -> Bool { byte > 32 && byte < 127 && byte != 92 }

  private static func escape(_ bytes: [UInt8], into out: inout [UInt8]) {
    for byte in bytes {
      if isPlain(byte) {
        out.append(byte)
      } else {
        out += [92, 120, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
  }

  // Nil for anything that `escape` does not write.
  private static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var rest = text
    while let byte = rest.popFirst() {
      if byte != 92 {
        guard isPlain(byte) else { return nil }
        out.append(byte)
        continue
      }
      guard rest.popFirst() == 120, let high = rest.popFirst(), let low = rest.popFirst(),
        let h = digits.firstIndex(of: high), let l = digits.firstIndex(of: low)
      else { return nil }
      let value = UInt8(h << 4 | l)
      guard !isPlain(value) else { return nil }
      out.append(value)
    }
    return out
  }
}
