import RungCore

/// Names for inputs, made from their paths, none of them taken.
struct InputNaming {
  private var taken: Set<String>

  /// Names that parsers of YAML other than ours take for something else than a text.
  private static let misread = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]

  /// Names beside those given and those with a meaning of their own.
  init(taken: some Sequence<String>) { self.taken = Set(taken).union(Names.reserved) }

  /// Takes a name that somebody chose; says what is wrong with it, or nil.
  mutating func take(_ name: String) -> String? {
    guard Names.isName(name) else {
      return
        "'\(name)' cannot name an input: a name begins with a letter or _ and goes on with letters, digits, _ and -"
    }
    return taken.insert(name).inserted ? nil : "the name '\(name)' is taken"
  }

  /// Takes the name that a path suggests: `helper` for `src/helper.py`, `data_1` for `data-1.csv`, the folder's for a
  /// glob. With `_2`, `_3`, … behind it when it is taken.
  mutating func take(for path: RelativePath, form: Input.Form) -> String {
    let base = Self.base(of: path, form: form)
    var name = base
    var number = 2
    while Self.misread.contains(name.lowercased()) || !taken.insert(name).inserted {
      name = "\(base)_\(number)"
      number += 1
    }
    return name
  }

  private static func base(of path: RelativePath, form: Input.Form) -> String {
    var text = path.name
    if form == .glob {
      text = path.components.last { !Glob.isPattern($0) }.map(String.init) ?? path.name
    }
    if let dot = text.lastIndex(of: "."), dot != text.startIndex { text = String(text[..<dot]) }
    var name: [UInt8] = []
    for byte in text.utf8 {
      let isFine = Names.isPart(byte) && byte != UInt8(ascii: "-")
      if isFine {
        name.append(byte)
      } else if !name.isEmpty, name.last != UInt8(ascii: "_") {
        name.append(UInt8(ascii: "_"))
      }
    }
    while name.count > 1, name.last == UInt8(ascii: "_") { name.removeLast() }
    if name.isEmpty || name == [UInt8(ascii: "_")] { return "input" }
    let prefix = Names.isStart(name[0]) ? "" : "_"
    return prefix + String(decoding: name.prefix(80), as: UTF8.self)
  }
}
