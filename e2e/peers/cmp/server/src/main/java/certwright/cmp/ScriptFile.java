package certwright.cmp;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;

/** Read again for every request, so that a test can change its mind; it is replaced by one rename. */
final class ScriptFile {

    private final ObjectMapper mapper =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES, true);
    private final Path path;

    ScriptFile(Path path) {
        this.path = path;
    }

    Script read() throws IOException {
        return mapper.readValue(path.toFile(), Script.class);
    }
}
