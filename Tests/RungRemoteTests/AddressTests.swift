import RungRemote
import Testing

@testable import RungRemote

/// What people may write for a remote, and what is shown to a server.
@Suite struct AddressTests {
  @Test func kindsAreToldApart() throws {
    #expect(try RemoteAddress("/mnt/lab") == .folder("/mnt/lab"))
    #expect(try RemoteAddress("../lab", in: "/home/me") == .folder("/home/me/../lab"))
    #expect(try RemoteAddress("file:///mnt/lab") == .folder("/mnt/lab"))
    #expect(try RemoteAddress("https://h:8443/a/b/") == .http("https://h:8443/a/b", host: "h"))
    #expect(try RemoteAddress("http://[::1]:80") == .http("http://[::1]:80", host: "::1"))
    #expect(try RemoteAddress("ssh://me@h:22/x") == .ssh(destination: "me@h", port: 22, path: "/x"))
    #expect(try RemoteAddress("ssh://h/x y") == .ssh(destination: "h", port: nil, path: "/x y"))
    #expect(try RemoteAddress("rclone:lab:a/b") == .rclone("lab:a/b"))
  }

  @Test(arguments: [
    "", "ftp://h/x", "https://", "ssh://h", "ssh://h/", "ssh://-oProxyCommand=x/y", "http://me@h/x", "http://h/x?y=z",
    "file://h/x", "rclone:x", "rclone:-x:y", "http://h/x\ny",
  ])
  func nonsenseIsRefused(_ text: String) { #expect(trouble { _ = try RemoteAddress(text) }.kind == .local) }

  @Test(arguments: ["https://me:hunter2@h/x", "ssh://me:hunter2@h/x", "ftp://me:hunter2@h/x"])
  func aPasswordInAnAddressIsRefusedAndNotRepeated(_ text: String) {
    let error = trouble { _ = try RemoteAddress(text) }
    #expect(error.kind == .local)
    #expect(!error.message.contains("hunter2"))
  }

  @Test func netrcIsRead() {
    func found(_ text: String, _ host: String = "lab") -> String? {
      guard case .password(let user, let password)? = Credentials.fromNetrc(text, host) else { return nil }
      return "\(user):\(password)"
    }
    #expect(found("machine lab login me password secret") == "me:secret")
    #expect(found("machine x login a password b\nmachine LAB\n login me\n password secret\n") == "me:secret")
    #expect(found("machine x login a password b\ndefault login d password e") == "d:e")
    #expect(
      found("macdef init\nmachine lab login no password no\n\nmachine lab login me password secret") == "me:secret")
    #expect(found("# machine lab login no password no\nmachine lab login me password #secret") == "me:#secret")
    #expect(found("machine x login a password b") == nil)
    #expect(found("machine lab login") == nil)
  }

  @Test func theKeyringIsReadOnlyWhereNobodyElseCan() throws {
    let scene = try Scene()
    try scene.write("# mine\nx bearer no\nlab bearer abc\nhost basic me secret\n", to: "ring")
    let text = Scene.text("\(scene.folder)/ring")
    if case .token(let token)? = Credentials.fromRing(text, "lab") { #expect(token == "abc") } else { Issue.record() }
    if case .password(let user, let password)? = Credentials.fromRing(text, "HOST") {
      #expect(user == "me" && password == "secret")
    } else {
      Issue.record()
    }
    #expect(Credentials.fromRing(text, "nobody") == nil)
    let variables = ["HOME": scene.folder, "XDG_CONFIG_HOME": scene.folder]
    #expect(try Program.run("/bin/mkdir", ["\(scene.folder)/rung"]) == 0)
    try scene.write(text, to: "rung/credentials", mode: 0o644)
    #expect(trouble { _ = try Credentials.find(host: "lab", variables: variables) }.message.contains("chmod 600"))
    try scene.write(text, to: "rung/credentials", mode: 0o600)
    #expect(try Credentials.find(host: "lab", variables: variables)?.source.hasSuffix("rung/credentials") == true)
    #expect(try Credentials.find(host: "nobody", variables: variables) == nil)
  }
}
