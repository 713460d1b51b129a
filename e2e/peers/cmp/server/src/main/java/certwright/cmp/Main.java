package certwright.cmp;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.Security;
import java.util.concurrent.Executors;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * A CMP server for end-to-end tests: the RA component of RFC 9483 with a certification authority behind it, and our own
 * endpoint for what the component does not carry.
 *
 * <p>Arguments: the port, and the directory with the credentials and {@code script.json}.
 */
public final class Main {

    // Java's own is better at RSA and at random numbers, and half as fast at signatures by elliptic curves.
    private static final int BEFORE_SUN_EC = 3;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Security.insertProviderAt(new BouncyCastleProvider(), BEFORE_SUN_EC);
        Security.insertProviderAt(new OctetKeyLengths(), 1);
        Path directory = Path.of(arguments[1]);
        ScriptFile script = new ScriptFile(directory.resolve("script.json"));
        script.read();
        Authority authority = new Authority(Credentials.readAll(directory));
        Issuance issuance = new Issuance(authority);

        HttpServer server = HttpServer.create(
                new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 64);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", new Endpoint("ra", script, authority, new ComponentServer(authority, issuance)));
        server.createContext("/ours", new Endpoint("ours", script, authority, new OwnServer(authority, issuance)));
        server.start();
        Log.line("listening");
    }
}
