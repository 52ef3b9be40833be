// Vite's asset addresses.
declare module "*?url" {
  const url: string;
  export default url;
}
