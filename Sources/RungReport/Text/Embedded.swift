import RungCore

/// The style sheet and the script, which every page carries in itself: files of this module's `Resources`.
struct Embedded: Sendable {
  let bytes: [UInt8]
  /// How the policy of a page names it.
  let source: String

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
    source = "'sha256-\(Self.base64(Digest(of: bytes).bytes))'"
  }

  static let style = Embedded(PackageResources.report_css)
  static let script = Embedded(
    PackageResources.start_js + PackageResources.tables_js + PackageResources.charts_js + PackageResources.drawings_js
      + PackageResources.runs_js)

  /// The same for the page that follows a run.
  static let liveStyle = Embedded(PackageResources.report_css + PackageResources.live_css)
  static let liveScript = Embedded(PackageResources.start_js + PackageResources.live_js)

  // RFC 4648 section 4.
  private static func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var out = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for index in 0..<3 { bits = bits << 8 | (index < group.count ? UInt32(group[group.startIndex + index]) : 0) }
      for index in 0..<4 { out.append(index <= group.count ? letters[Int(bits >> UInt32(18 - 6 * index) & 63)] : "=") }
    }
    return out
  }
}
