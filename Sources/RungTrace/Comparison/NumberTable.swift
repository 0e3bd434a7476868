import RungCore

/// The numbers in a JSON text, each by its JSON pointer (RFC 6901), in the order of the text.
struct NumberTable {
  /// A number.
  struct Entry {
    let path: String
    /// The path with `*` for each index of a list: the same for all items of a list.
    let pattern: String
    let value: Double
    /// As it was written.
    let text: String
  }
  private(set) var entries: [Entry] = []

  /// As many numbers as are looked at in one output.
  static let most = 100_000

  /// Reads a text. Nil when it is not JSON, or has more than `most` numbers.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), add(json, "", "") else { return nil }
  }

  private mutating func add(_ json: JSON, _ path: String, _ pattern: String) -> Bool {
    switch json {
    case .number(let text):
      guard entries.count < Self.most else { return false }
      // What Python writes for numbers that are none is read as its double too.
      guard let value = Double(text) else { return true }
      entries.append(Entry(path: path, pattern: pattern, value: value, text: text))
      return true
    case .array(let items):
      return items.indices.allSatisfy { add(items[$0], "\(path)/\($0)", "\(pattern)/*") }
    case .object(let members):
      return members.allSatisfy { member in
        let name = "/" + Self.escaped(member.name)
        return add(member.value, path + name, pattern + name)
      }
    case .null, .bool, .string: return true
    }
  }

  private static func escaped(_ name: String) -> String {
    guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return name }
    return name.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
  }

  /// The number at a pointer; nil when there is none.
  subscript(_ path: String) -> Entry? { entries.first { $0.path == path } }
}
