import Glibc
import Testing

/// Compares texts with files in `Golden/`. `RUNG_RECORD=1` writes what is said now into them.
enum Golden {
  static let folder = String(#filePath.dropLast("Golden.swift".count)) + "Golden"

  struct Broken: Error { let message: String }

  static func expect(
    _ said: String, is name: String, at place: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let path = "\(folder)/\(name).txt"
    let isRecording = getenv("RUNG_RECORD") != nil
    guard let file = fopen(path, isRecording ? "we" : "re") else {
      throw Broken(message: "there is no \(path); RUNG_RECORD=1 writes it")
    }
    defer { fclose(file) }
    if isRecording {
      fputs(said, file)
      return
    }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    #expect(said == String(decoding: bytes, as: UTF8.self), "differs from Golden/\(name).txt", sourceLocation: place)
  }
}
