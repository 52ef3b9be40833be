// A static site; nothing runs on a server.
export default { output: "export" };
