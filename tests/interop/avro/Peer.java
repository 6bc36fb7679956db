// Apache Avro's Java implementation for the interop test: one request a line on stdin, one answer a line on stdout.
// Fields are divided by tabs, each Base64 of UTF-8 text or of bytes; an answer begins with "ok" or "error".
//
//   canonical schema                 -> canonical form, fingerprint
//   decode    schema binary          -> binary encoded again, JSON
//   encode    schema json            -> binary
//   resolve   writer reader binary   -> binary
//   write     schema codec records…  -> file
//   read      file                   -> schema, records…
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.file.SeekableByteArrayInput;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;

public class Peer {
  static Schema schema(byte[] text) {
    return new Schema.Parser().parse(new String(text, StandardCharsets.UTF_8));
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static Object decode(Schema writer, Schema reader, byte[] binary) throws Exception {
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(binary, null);
    Object datum = new GenericDatumReader<Object>(writer, reader).read(null, decoder);
    if (!decoder.isEnd()) throw new Exception("bytes are left over");
    return datum;
  }

  static byte[] encode(Schema schema, Object datum, boolean json) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Encoder encoder = json ? EncoderFactory.get().jsonEncoder(schema, out)
                           : EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(datum, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  static byte[] writeFile(Schema schema, String codec, List<byte[]> records) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (DataFileWriter<Object> file = new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
      file.setCodec(CodecFactory.fromString(codec));
      file.setSyncInterval(200);
      file.create(schema, out);
      for (byte[] record : records) file.append(decode(schema, schema, record));
    }
    return out.toByteArray();
  }

  static List<byte[]> readFile(byte[] bytes) throws Exception {
    List<byte[]> answer = new ArrayList<>();
    try (DataFileReader<Object> file =
             new DataFileReader<>(new SeekableByteArrayInput(bytes), new GenericDatumReader<>())) {
      answer.add(utf8(file.getSchema().toString()));
      while (file.hasNext()) answer.add(encode(file.getSchema(), file.next(), false));
    }
    return answer;
  }

  static List<byte[]> answer(String op, List<byte[]> args) throws Exception {
    switch (op) {
      case "canonical": {
        Schema parsed = schema(args.get(0));
        return List.of(utf8(SchemaNormalization.toParsingForm(parsed)),
                       utf8(Long.toString(SchemaNormalization.parsingFingerprint64(parsed))));
      }
      case "decode": {
        Schema parsed = schema(args.get(0));
        Object datum = decode(parsed, parsed, args.get(1));
        return List.of(encode(parsed, datum, false), encode(parsed, datum, true));
      }
      case "encode": {
        Schema parsed = schema(args.get(0));
        String json = new String(args.get(1), StandardCharsets.UTF_8);
        Object datum = new GenericDatumReader<Object>(parsed).read(null, DecoderFactory.get().jsonDecoder(parsed, json));
        return List.of(encode(parsed, datum, false));
      }
      case "resolve": {
        Schema reader = schema(args.get(1));
        return List.of(encode(reader, decode(schema(args.get(0)), reader, args.get(2)), false));
      }
      case "write":
        return List.of(writeFile(schema(args.get(0)), new String(args.get(1), StandardCharsets.UTF_8),
                                 args.subList(2, args.size())));
      case "read":
        return readFile(args.get(0));
      default:
        throw new Exception("no such op");
    }
  }

  public static void main(String[] unused) throws Exception {
    PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, "UTF-8");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Base64.Encoder to = Base64.getEncoder();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      StringBuilder text = new StringBuilder("ok");
      try {
        String[] parts = line.split("\t", -1);
        List<byte[]> args = new ArrayList<>();
        for (int i = 1; i < parts.length; ++i) args.add(Base64.getDecoder().decode(parts[i]));
        for (byte[] part : answer(parts[0], args)) text.append('\t').append(to.encodeToString(part));
      } catch (Throwable failure) {
        text = new StringBuilder("error\t" + to.encodeToString(utf8(failure.toString())));
      }
      out.println(text);
      out.flush();
    }
  }
}
