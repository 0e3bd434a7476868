import Glibc
import RungCore
import Testing

@testable import RungStore

/// The inputs that `make fuzz` found worth keeping, given to the decoders once each.
@Suite struct CorpusTests {
  private static let corpus = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Corpus"

  private func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var result: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { result.append(name) }
    }
    return result.sorted()
  }

  private func bytes(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "re") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
  }

  @Test(arguments: Decoder.allCases)
  func theCorpusIsReadOrRefused(decoder: Decoder) {
    let names = names("\(Self.corpus)/\(decoder)")
    #expect(!names.isEmpty)
    for name in names {
      let bytes = bytes("\(Self.corpus)/\(decoder)/\(name)")
      decoder.run(bytes)
      // And what is cut off, and what has one bit flipped.
      for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 16)) {
        decoder.run(Array(bytes[..<length]))
        var flipped = bytes
        flipped[length] ^= 1 << UInt8(length % 8)
        decoder.run(flipped)
      }
    }
  }
}
