package certwright.cmp;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** One line on standard output for everything that a test wants to know. */
final class Log {

    private Log() {}

    static void line(String text) {
        System.out.println(Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + text);
    }
}
