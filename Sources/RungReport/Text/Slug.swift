import RungCore

/// Names that are safe as file names and in addresses.
public enum Slug {
  /// The name itself where it is made of letters, digits, `-`, `_`, `.`, with `~` for a slash; else something like it with a part of its
  /// digest, so that different names stay different.
  public static func of(_ name: String) -> String {
    var out = ""
    var isSame = true
    for scalar in name.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": out.unicodeScalars.append(scalar)
      case "/": out += "~"
      default:
        isSame = false
        if out.last != "-" { out += "-" }
      }
    }
    if out.isEmpty || out.first == "." || out.first == "-" || out.utf8.count > 80 { isSame = false }
    if isSame { return out }
    let rest = out.drop { $0 == "." || $0 == "-" }.prefix(60)
    return "\(rest.isEmpty ? "x" : rest)-\(Digest(ofText: name).hex.prefix(8))"
  }
}
