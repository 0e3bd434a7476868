import Glibc
import RungCore
import RungRemote
import RungStore
import Testing

/// Against a real server: who is let in, certificates, a full disk, a resumed push.
@Suite(.enabled(if: WebServer.isThere, "nginx-light is not installed")) struct NginxTests {
  @Test func whoIsNotLetInIsTold() throws {
    let scene = try Scene()
    // The password is `secret`, as `openssl passwd -1` has it.
    try scene.write("me:$1$rung$9bGHnXlDlWhBLjvbWgCfR1\n", to: "users")
    #expect(
      try Program.run(
        "/bin/sh", ["-c", "printf 'me:%s\\n' \"$(openssl passwd -1 secret)\" > \(scene.folder)/users"]) == 0)
    let server = try WebServer(
      scene,
      location: "auth_basic x; auth_basic_user_file \(scene.folder)/users; dav_methods PUT; create_full_put_path on;")
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 100_000])
    #expect(trouble { _ = try scene.remote(server.address).push(objects, from: mine) }.kind == .forbidden)
    let wrong = ["RUNG_REMOTE_USER": "me", "RUNG_REMOTE_PASSWORD": "hunter2"]
    let error = trouble { _ = try scene.remote(server.address, wrong).present(objects) }
    #expect(error.kind == .forbidden && !error.message.contains("hunter2"), "\(error)")
    let right = ["RUNG_REMOTE_USER": "me", "RUNG_REMOTE_PASSWORD": "secret"]
    #expect(try scene.remote(server.address, right).push(objects, from: mine).moved == 2)
    try scene.write("machine 127.0.0.1 login me password secret\n", to: "home/.netrc", mode: 0o600)
    #expect(try scene.remote(server.address).present(objects) == Set(objects))
    #expect(!Scene.text("\(server.folder)/error.log").contains("secret"))
  }

  @Test func aServerThatOnlyGivesTakesNothing() throws {
    let scene = try Scene()
    let server = try WebServer(scene, location: "")
    let mine = try scene.cache("mine")
    let error = trouble { _ = try scene.remote(server.address).push(try Scene.fill(mine, [10]), from: mine) }
    #expect(error.kind == .full)
    #expect(error.message.contains("read-only"), "\(error)")
  }

  @Test func aFullServerIsTold() throws {
    let scene = try Scene()
    let server = try WebServer(scene, location: "if ($request_method = PUT) { return 507; }")
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 300_000, 3 << 20])
    #expect(trouble { _ = try scene.remote(server.address).push(objects, from: mine) }.kind == .full)
  }

  @Test func aPushGoesOnWhereItWasKilled() throws {
    let scene = try Scene()
    let server = try WebServer(scene)
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, Array(repeating: 4096, count: 300))
    _ = try scene.remote(server.address).push(Array(objects[..<170]), from: mine)
    #expect(try scene.remote(server.address).push(objects, from: mine).moved == 130)
    // None went twice.
    #expect(server.count("PUT", 201) == 300)
    #expect(server.count("PUT", 204) == 0)
  }

  // MARK: certificates

  private func certificate(_ scene: Scene, days: Int, name: String) throws {
    let text = """
      cd \(scene.folder) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
      -subj /CN=authority -keyout ca.key -out ca.pem && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
      -subj /CN=x -keyout server.key -out server.csr && printf 'subjectAltName=\(name)' > names && \
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days \(days) -extfile names -out server.pem
      """
    #expect(try Program.run("/bin/sh", ["-c", text], log: "\(scene.folder)/openssl.log") == 0)
  }

  private func secure(_ scene: Scene) throws -> (WebServer, String) {
    let server = try WebServer(
      scene, server: "ssl_certificate \(scene.folder)/server.pem; ssl_certificate_key \(scene.folder)/server.key;",
      secure: true)
    return (server, "https://127.0.0.1:\(server.port)/lab")
  }

  @Test func aLaboratorysOwnAuthorityIsBelievedWhereItIsNamed() throws {
    let scene = try Scene()
    try certificate(scene, days: 3, name: "IP:127.0.0.1")
    let (server, address) = try secure(scene)
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 300_000])
    let error = trouble { _ = try scene.remote(address).push(objects, from: mine) }
    #expect(error.kind == .untrusted)
    #expect(error.message.contains("RUNG_CA_FILE"), "\(error)")
    let own = ["RUNG_CA_FILE": "\(scene.folder)/ca.pem"]
    #expect(try scene.remote(address, own).push(objects, from: mine).moved == 2)
    #expect(try scene.remote(address, own).pull(objects, into: scene.cache("yours")).moved == 2)
    #expect(
      trouble { _ = try scene.remote(address, ["RUNG_CA_FILE": "/nowhere"]).present(objects) }.kind == .local)
    _ = server
  }

  @Test(arguments: [(-1, "IP:127.0.0.1", "expired"), (3, "DNS:elsewhere.example", "127.0.0.1")])
  func aBadCertificateIsNotTrusted(_ days: Int, _ name: String, _ words: String) throws {
    let scene = try Scene()
    try certificate(scene, days: days, name: name)
    let (server, address) = try secure(scene)
    let error = trouble {
      _ = try scene.remote(address, ["RUNG_CA_FILE": "\(scene.folder)/ca.pem", "RUNG_REMOTE_TOKEN": "t0ken"])
        .present([Digest(ofText: "x")])
    }
    #expect(error.kind == .untrusted)
    #expect(error.message.contains(words), "\(error)")
    #expect(Scene.text("\(server.folder)/access.log").isEmpty)
  }

  @Test func aRedirectFromHTTPSToHTTPIsNotFollowed() throws {
    let scene = try Scene()
    try certificate(scene, days: 3, name: "IP:127.0.0.1")
    let plain = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    let server = try WebServer(
      scene, server: "ssl_certificate \(scene.folder)/server.pem; ssl_certificate_key \(scene.folder)/server.key;",
      location: "return 302 http://127.0.0.1:\(plain.port)/x;", secure: true)
    let own = ["RUNG_CA_FILE": "\(scene.folder)/ca.pem", "RUNG_REMOTE_TOKEN": "t0ken"]
    let error = trouble {
      _ = try scene.remote("https://127.0.0.1:\(server.port)/lab", own).present([Digest(ofText: "x")])
    }
    #expect(error.kind == .strange, "\(error)")
    #expect(plain.asked.isEmpty)
  }
}
