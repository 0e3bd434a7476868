import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct DocumentTests {
  // docs/formats/store.md promises that its commands work.
  @Test func theCommandsOfTheFormatsPageReadACache() throws {
    guard shell("command -v zstd sha256sum bash") != nil else { return }
    let page = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/formats/store.md"
    let parts = String(decoding: try contents(page), as: UTF8.self).split(separator: "```")
    let commands = parts.filter { $0.hasPrefix("bash\n") }.map { $0.dropFirst(5) }.joined(separator: "\n")
    try withStore { store, folder in
      #expect(
        shell(
          """
          cd '\(folder)' && mkdir -p in/sub/empty && printf one > in/one && printf '#!' > in/sub/run.sh
          chmod +x in/sub/run.sh && ln -s ../one in/sub/up && printf x > "$(printf 'in/odd \\\\ \\377\\n')" && : > in/nothing
          """) != nil)
      let tree = try store.putTree(at: "\(folder)/in")
      _ = try store.putRecord(Array("{\"a\": 1}\n".utf8))
      try store.flush()
      try write(Array(commands.utf8), to: "\(folder)/commands.sh")
      let script = """
        cd '\(folder)' && bash -c '. ./commands.sh; set -e
        check_object cache \(tree.digest.hex); restore_tree cache \(tree.digest.hex) out; all_records cache'
        """
      #expect(shell(script) == "{\"a\": 1}\n")
      #expect(shell("cd '\(folder)' && diff -r --no-dereference in out && test -x out/sub/run.sh") == "")
      #expect(try store.putTree(at: "\(folder)/out") == tree)
    }
  }
}
