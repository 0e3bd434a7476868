import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct TreeTests {
  // The format of manifests is pinned: a change here makes every stored folder unreadable.
  @Test func manifestBytesAreAsDocumented() throws {
    let abc = Digest(ofText: "abc")
    let manifest = try TreeManifest(entries: [
      .init(name: "zeta", kind: .directory(digest: abc, size: 1 << 40)),
      .init(nameBytes: [0xff, 0x0a, 0x20, 0x5c], kind: .file(digest: .empty, size: 0, executable: false)),
      .init(name: "run.sh", kind: .file(digest: abc, size: 3, executable: true)),
      .init(name: "a b", kind: .link(target: Array("../x y".utf8))),
      .init(name: "ü", kind: .file(digest: abc, size: 3, executable: false)),
    ])
    let a = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let text = """
      rung-tree 1
      link ../x\\x20y a\\x20b
      exec 3 \(a) run.sh
      dir 1099511627776 \(a) zeta
      file 3 \(a) \\xc3\\xbc
      file 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \\xff\\x0a\\x20\\x5c

      """
    #expect(String(decoding: manifest.encoded, as: UTF8.self) == text)
    #expect(manifest.digest.hex == "66b0b54cfddc0b228ef2ba9465ac6de02d7bafe0b8eee04ff022d9c1f53bf46d")
    #expect(manifest.size == 1_099_511_627_782)
    #expect(try TreeManifest(decoding: manifest.encoded) == manifest)
    #expect(manifest["run.sh"]?.kind == .file(digest: abc, size: 3, executable: true))
    #expect(manifest["run"] == nil && manifest["zzz"] == nil)
    let empty = try TreeManifest(entries: [])
    #expect(empty.encoded == Array("rung-tree 1\n".utf8))
    #expect(try TreeManifest(decoding: empty.encoded) == empty)
  }

  @Test func onlyTheOneTrueTextOfAManifestIsRead() {
    let d = Digest.empty.hex
    for body in [
      "file 0 \(d) a\nfile 0 \(d) a\n", "file 0 \(d) b\nfile 0 \(d) a\n", "file 0 \(d) \n", "file 0 \(d) .\n",
      "file 0 \(d) ..\n", "file 0 \(d) a/b\n", "file 0 \(d) a\\x2fb\n", "file 0 \(d) a\\x00\n", "file 0 \(d) \\x61\n",
      "file 0 \(d) a\\xC3\n", "file 0 \(d) a\\x2\n", "file 0 \(d) a b\n", "file 00 \(d) a\n", "file -1 \(d) a\n",
      "file +1 \(d) a\n", "file 9223372036854775808 \(d) a\n", "file 0 \(d.dropLast()) a\n",
      "file 0 \(d.uppercased()) a\n", "file 0  \(d) a\n", "node 0 \(d) a\n", "link  a\n", "link a\\x00 b\n", "\n",
      "file 0 \(d) a", "file 0 \(d) a\n\n", "file 0 sha256:\(d.dropFirst(7)) a\n",
      "file 9223372036854775807 \(d) a\nfile 1 \(d) b\n",
    ] {
      #expect(error { try TreeManifest(decoding: Array("rung-tree 1\n\(body)".utf8)) }?.code == .damaged, "\(body)")
    }
    for whole in ["", "rung-tree 1", "rung-tree 2\n", "rung-tree 1\r\n"] {
      #expect(error { try TreeManifest(decoding: Array(whole.utf8)) }?.code == .damaged)
    }
    #expect(error { try TreeManifest(entries: [.init(name: "..", kind: .link(target: [97]))]) }?.code == .badPath)
  }

  @Test func aFolderComesBackAsItWas() throws {
    try withStore { store, folder in
      let script = """
        cd '\(folder)' && mkdir -p in/sub/deeper in/empty 'in/with space' && printf one > in/one && printf two > in/sub/two
        printf three > in/sub/deeper/three; chmod 755 in/sub/two; : > in/nothing
        ln -s sub/two in/link; ln -s ../one in/sub/up; ln -s ../../one in/sub/deeper/top; ln -s missing in/dangling
        printf x > "$(printf 'in/bad\\377\\nname')"; printf y > 'in/-rf *'; printf z > 'in/with space/\\'
        head -c 700000 /dev/zero > in/sub/zeros
        """
      #expect(shell(script) != nil)
      let stored = try store.putTree(at: "\(folder)/in")
      #expect(stored.size == 3 + 3 + 5 + 3 + 700_000)
      for _ in 0..<2 {
        try store.restoreTree(stored.digest, to: "\(folder)/out")
        #expect(
          shell("cd '\(folder)' && diff -r --no-dereference in out && test -x out/sub/two && ! test -x out/one") == "")
        #expect(try store.putTree(at: "\(folder)/out") == stored)
        #expect(shell("rm -r '\(folder)/out'") != nil)
        try store.flush()
      }
      #expect(try store.tree(stored.digest)["sub"] != nil)
      #expect(error { try store.restoreTree(stored.digest, to: "\(folder)/in") }?.code == .badPath)
      #expect(error { try store.tree(Digest(ofText: "one")) }?.code == .damaged)
      // The name of a folder does not depend on times, or on permissions beyond the executable bit.
      #expect(shell("touch -h -d 2001-01-01 '\(folder)'/in/* && chmod 600 '\(folder)/in/one'") != nil)
      #expect(try store.putTree(at: "\(folder)/in") == stored)
      #expect(shell("chmod 700 '\(folder)/in/one'") != nil)
      #expect(try store.putTree(at: "\(folder)/in") != stored)
    }
  }

  @Test(arguments: ["/etc/passwd", "..", "../in/one", "sub/../one", "./../one", "sub/../../one"])
  func linksThatCouldLeaveAreRefusedByName(target: String) throws {
    try withStore { store, folder in
      #expect(shell("cd '\(folder)' && mkdir -p in/sub && : > in/one && ln -s '\(target)' in/bad") != nil)
      let failure = error { try store.putTree(at: "\(folder)/in") }
      #expect(failure?.code == .badPath)
      #expect(failure?.message.contains("\(folder)/in/bad is a link to '\(target)'") == true)
      #expect(shell("rm '\(folder)/in/bad' && ln -s one '\(folder)/in/good'") != nil)
      let good = try store.putTree(at: "\(folder)/in")
      #expect(good.size == 0)
      // A tree may be a link's way out only as deep as it is.
      #expect(TreeManifest.staysInside(target: "../a".utf8, depth: 1))
      #expect(!TreeManifest.staysInside(target: "../../a".utf8, depth: 1))
      #expect(TreeManifest.staysInside(target: "./.././a//b/.".utf8, depth: 1))
    }
  }

  @Test func aForgedManifestCannotWriteOutsideTheFolder() throws {
    try withStore { store, folder in
      let text = "rung-tree 1\nlink \(folder) a\n"
      let forged = try store.put(Array(text.utf8))
      #expect(error { try store.restoreTree(forged.digest, to: "\(folder)/out") }?.code == .damaged)
      #expect(access("\(folder)/out", F_OK) != 0)
      let child = try TreeManifest(entries: [.init(name: "up", kind: .link(target: Array("../..".utf8)))])
      let parent = try TreeManifest(entries: [
        .init(name: "sub", kind: .directory(digest: store.put(child.encoded).digest, size: 0))
      ])
      let deep = try store.put(parent.encoded)
      #expect(error { try store.restoreTree(deep.digest, to: "\(folder)/out") }?.code == .damaged)
      // A size that is not true, and a folder that is not all there.
      let lie = try TreeManifest(entries: [
        .init(name: "a", kind: .file(digest: forged.digest, size: 1, executable: false))
      ])
      #expect(error { try store.restoreTree(store.put(lie.encoded).digest, to: "\(folder)/out") }?.code == .damaged)
      let gap = try TreeManifest(entries: [
        .init(name: "a", kind: .file(digest: Digest(ofText: "never put"), size: 9, executable: false))
      ])
      #expect(error { try store.restoreTree(store.put(gap.encoded).digest, to: "\(folder)/out") }?.code == .missing)
      #expect(access("\(folder)/out", F_OK) != 0)
    }
  }

  @Test func socketsPipesAndEndlessFoldersAreRefused() throws {
    try withStore { store, folder in
      mkdir("\(folder)/in", 0o755)
      mkfifo("\(folder)/in/pipe", 0o600)
      #expect(
        error { try store.putTree(at: "\(folder)/in") }?.message == "\(folder)/in/pipe is a pipe: it cannot be stored")
      #expect(shell("cd '\(folder)' && rm in/pipe && mkdir -p in/\(String(repeating: "d/", count: 250))") != nil)
      #expect(error { try store.putTree(at: "\(folder)/in") }?.code == .badPath)
      symlink("in", "\(folder)/link")
      #expect(error { try store.putTree(at: "\(folder)/link") } != nil)
    }
  }
}
