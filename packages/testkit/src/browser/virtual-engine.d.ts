// The engine module that the harness puts under page.ts.
declare module "virtual:engine";
