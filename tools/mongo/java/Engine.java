import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.Channel;
import java.util.List;

/** Runs mongo-java-server on a port of 127.0.0.1, a free one unless it is told which, says which, and ends with the process. */
public class Engine {
    /** The server calls itself 5.0 and gives the number of 4.2 for the wire, which drivers of today refuse. */
    private static final class Five implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    }

    /**
     * One command at a time, and an answer that nothing changes any more: by itself the server writes the documents
     * of an answer to the socket while the next command changes them. So it keeps what a causal session promises,
     * and says so.
     */
    private static final class OneAtATime extends MemoryBackend {
        @Override
        public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
            if (query.get("pipeline") instanceof List<?> stages && stages.toString().contains("$changeStream")) {
                throw new MongoServerError(40573, "The $changeStream stage is only supported on replica sets"); // as MongoDB says where it stands alone
            }
            Document answer = super.handleCommand(channel, database, command, query).cloneDeeply();
            if (command.equalsIgnoreCase("ismaster")) {
                answer.put("logicalSessionTimeoutMinutes", 30);
            }
            return answer;
        }
    }

    public static void main(String[] args) throws Exception {
        MongoServer server = new MongoServer(new OneAtATime().version(new Five()));
        server.bind("127.0.0.1", args.length > 0 ? Integer.parseInt(args[0]) : 0);
        System.out.println("listening on mongodb://127.0.0.1:" + server.getLocalAddress().getPort() + "/?directConnection=true");
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        Thread.currentThread().join();
    }
}
