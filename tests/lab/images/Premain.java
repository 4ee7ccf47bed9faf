/** LocalStack starts DynamoDB Local with a Java agent that it would download; this one stands in for it and does nothing. */
public final class Premain {
    private Premain() {}

    public static void premain(String arguments) {}
}
