import Glibc
import Testing

/// What the command says, compared with files in `Golden/`. `RUNG_RECORD=1` writes what it says now into them.
enum Golden {
  /// Compares a text, masked, with a file.
  static func expect(
    _ text: String, is name: String, in sandbox: Sandbox? = nil, at place: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let said = mask(text, in: sandbox)
    let path = "\(Sandbox.sources)/Golden/\(name).txt"
    if getenv("RUNG_RECORD") != nil {
      guard let file = fopen(path, "we") else { throw Broken(description: "cannot write \(path)") }
      defer { fclose(file) }
      fputs(said, file)
      return
    }
    let expected = try read(path)
    #expect(said == expected, "differs from Golden/\(name).txt", sourceLocation: place)
  }

  private static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "re") else {
      throw Broken(description: "there is no \(path); RUNG_RECORD=1 writes it")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Puts words for what differs from run to run: times, digests, places.
  static func mask(_ text: String, in sandbox: Sandbox?) -> String {
    var text = text
    if let sandbox { text = text.replacing(sandbox.folder, with: "<sandbox>") }
    return
      text
      .replacing(/\d{8}-\d{6}-[0-9a-f]{6}/, with: "<run>")
      .replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, with: "<date>")
      .replacing(/sha256:[0-9a-f]{64}/, with: "<digest>")
      .replacing(/"(at_ns|duration_ns)": ?\d+/) { "\"\($0.output.1)\": <number>" }
      .replacing(/\b\d+(\.\d+)? (ns|µs|ms|s|min|h)\b/, with: "<time>")
  }
}
