import RungCore

/// The packages that a lock file names, in the form of pip's requirements files: `name==version`, a package a line.
public struct PackageList: Hashable, Sendable {
  /// The version of each package by its normalised name (PEP 503: lower case, `-` for runs of `-`, `_` and `.`). Where
  /// no version is pinned, what is asked for in its place: `>=1.2`, `@ https://…`, or nothing.
  public let versions: [String: String]

  /// Reads a file. Nil when it is not UTF-8 or larger than 4 MB; lines that name no package are left out.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count <= 4 << 20, let text = String(validating: bytes, as: UTF8.self) else { return nil }
    var versions: [String: String] = [:]
    var line = ""
    for part in text.split(whereSeparator: \.isNewline) {
      // A backslash at the end goes on in the next line.
      line += part
      if line.hasSuffix("\\") {
        line = line.dropLast() + " "
        continue
      }
      if let (name, version) = Self.package(line) { versions[name] = version }
      line = ""
    }
    if let (name, version) = Self.package(line) { versions[name] = version }
    self.versions = versions
  }

  private static func package(_ line: String) -> (name: String, version: String)? {
    var words = Substring(line).drop { $0 == " " || $0 == "\t" }
    // A comment starts a line or follows a blank; an environment marker follows a semicolon.
    if words.hasPrefix("#") || words.hasPrefix("-") { return nil }
    for stop in [" #", "\t#", ";", " --"] {
      if let range = words.firstRange(of: stop) { words = words[..<range.lowerBound] }
    }
    let name = words.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    guard let first = name.first, first.isLetter || first.isNumber else { return nil }
    var rest = words[name.endIndex...].drop { $0 == " " }
    if rest.hasPrefix("[") { rest = rest.drop { $0 != "]" }.dropFirst().drop { $0 == " " } }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    guard rest.isEmpty || "=<>!~@".contains(rest.first ?? "x") else { return nil }
    let pinned = rest.hasPrefix("===") ? rest.dropFirst(3) : rest.hasPrefix("==") ? rest.dropFirst(2) : nil
    let version = pinned.map { String($0.drop { $0 == " " }) } ?? String(rest)
    return (normalised(name), version)
  }

  private static func normalised(_ name: Substring) -> String {
    name.lowercased().split(whereSeparator: { "-_.".contains($0) }).joined(separator: "-")
  }

  /// What differs between two lists, by name.
  func changes(to new: PackageList, lock: String) -> [Comparison.PackageChange] {
    Set(versions.keys).union(new.versions.keys).sorted().compactMap { name in
      versions[name] == new.versions[name]
        ? nil
        : Comparison.PackageChange(lock: lock, name: name, old: versions[name], new: new.versions[name])
    }
  }
}
